//! Queries to the server's catalogs, whose results are statements that recreate databases.
//!
//! Columns that not all versions of PostgreSQL have are read through `to_jsonb`, which contains only those that exist.

/// `SET` for a row of `pg_db_role_setting.setconfig`. Parameters that are lists (`GUC_LIST_QUOTE`, as pg_dump has them) are
/// stored as they were written: each element is extracted and quoted again.
pub(super) const SETTING: &str = "pg_catalog.quote_ident(pg_catalog.split_part(one, '=', 1)) || ' TO ' || \
    CASE WHEN pg_catalog.lower(pg_catalog.split_part(one, '=', 1)) IN ('local_preload_libraries', 'search_path', \
      'session_preload_libraries', 'shared_preload_libraries', 'temp_tablespaces', 'unix_socket_directories') \
    THEN (SELECT coalesce(pg_catalog.string_agg(pg_catalog.quote_literal( \
        coalesce(pg_catalog.replace(found[1], '\"\"', '\"'), found[2])), ', ' ORDER BY place), pg_catalog.quote_literal('')) \
      FROM pg_catalog.regexp_matches(pg_catalog.substr(one, pg_catalog.strpos(one, '=') + 1), '\"((?:[^\"]|\"\")*)\"|([^\",[:space:]]+)', 'g') \
        WITH ORDINALITY AS element(found, place)) \
    ELSE pg_catalog.quote_literal(pg_catalog.substr(one, pg_catalog.strpos(one, '=') + 1)) END";

/// Every database that meets a condition on `d`, on one line: lists separated by `|`, each of the name, the statement that
/// creates it, and statements that give it its properties, all of which name it `:"db"`.
pub(super) fn databases(condition: &str) -> String {
    let create = "'CREATE DATABASE :\"db\" OWNER ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.datdba)) || \
        ' TEMPLATE template0 ENCODING ' || pg_catalog.quote_literal(pg_catalog.pg_encoding_to_char(d.encoding)) || \
        CASE j->>'datlocprovider' WHEN 'i' THEN ' LOCALE_PROVIDER icu ICU_LOCALE ' || \
            pg_catalog.quote_literal(coalesce(j->>'daticulocale', j->>'datlocale')) || \
            coalesce(' ICU_RULES ' || pg_catalog.quote_literal(j->>'daticurules'), '') \
          WHEN 'b' THEN ' LOCALE_PROVIDER builtin BUILTIN_LOCALE ' || pg_catalog.quote_literal(j->>'datlocale') \
          WHEN 'c' THEN ' LOCALE_PROVIDER libc' ELSE '' END || \
        ' LC_COLLATE ' || pg_catalog.quote_literal(d.datcollate) || ' LC_CTYPE ' || pg_catalog.quote_literal(d.datctype) || \
        CASE WHEN t.spcname <> 'pg_default' THEN ' TABLESPACE ' || pg_catalog.quote_ident(t.spcname) ELSE '' END";
    let properties = [
        "SELECT 1, 'ALTER DATABASE :\"db\" CONNECTION LIMIT ' || d.datconnlimit WHERE d.datconnlimit <> -1".to_owned(),
        "SELECT 1, 'ALTER DATABASE :\"db\" IS_TEMPLATE true' WHERE d.datistemplate".to_owned(),
        acl("DATABASE :\"db\"", "d.datacl", "d.datdba", "WHERE d.datacl IS NOT NULL"),
        "SELECT 5, 'COMMENT ON DATABASE :\"db\" IS ' || pg_catalog.quote_literal(pg_catalog.shobj_description(d.oid, 'pg_database')) \
         WHERE pg_catalog.shobj_description(d.oid, 'pg_database') IS NOT NULL"
            .to_owned(),
        "SELECT 6, 'SECURITY LABEL FOR ' || pg_catalog.quote_ident(l.provider) || ' ON DATABASE :\"db\" IS ' || \
           pg_catalog.quote_literal(l.label) FROM pg_catalog.pg_shseclabel l \
         WHERE l.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass AND l.objoid = d.oid"
            .to_owned(),
        format!(
            "SELECT 6 + c.at, CASE WHEN s.setrole = 0 THEN 'ALTER DATABASE :\"db\" SET ' \
               ELSE 'ALTER ROLE ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.setrole)) || ' IN DATABASE :\"db\" SET ' END || {SETTING} \
             FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) WITH ORDINALITY AS c(one, at) WHERE s.setdatabase = d.oid"
        ),
    ]
    .join(" UNION ALL ");
    format!(
        "WITH entry AS (SELECT d.datname, ARRAY[d.datname::pg_catalog.text, {create}] || \
           ARRAY(SELECT p.statement FROM ({properties}) AS p(place, statement) ORDER BY p.place, p.statement) AS texts \
         FROM (SELECT *, pg_catalog.to_jsonb(d) AS j FROM pg_catalog.pg_database d) AS d \
         JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace WHERE {condition}) \
         SELECT coalesce(pg_catalog.string_agg(pg_catalog.array_length(texts, 1) || ' ' || \
           (SELECT pg_catalog.string_agg(pg_catalog.encode(pg_catalog.convert_to(one, 'UTF8'), 'hex'), ' ' ORDER BY at) \
            FROM pg_catalog.unnest(texts) WITH ORDINALITY AS each(one, at)), '|' ORDER BY datname), '') FROM entry;\n"
    )
}

/// Rows of an ordinal and a statement, which give an object exactly the rights of an ACL: the owner's grants first.
pub(super) fn acl(object: &str, column: &str, owner: &str, condition: &str) -> String {
    let from = format!("pg_catalog.aclexplode({column}) AS a {condition}");
    let grantee =
        "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END";
    let grant = format!(
        "'GRANT ' || a.privilege_type || ' ON {object} TO ' || {grantee} || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END"
    );
    format!(
        "SELECT 2, 'REVOKE ALL ON {object} FROM PUBLIC, ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid({owner})) {condition} \
         UNION ALL SELECT 3, {grant} FROM {from} AND a.grantor = {owner} \
         UNION ALL SELECT 4, 'SET ROLE ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantor)) || '; ' || {grant} || '; RESET ROLE' \
         FROM {from} AND a.grantor <> {owner}"
    )
}
