//! Queries to the server's catalogs, whose results are statements that recreate databases, roles and tablespaces.
//!
//! Columns that not all versions of PostgreSQL have are read through `to_jsonb`, which contains only those that exist.

/// `SET` for a row of `pg_db_role_setting.setconfig`. Parameters that are lists (`GUC_LIST_QUOTE`, as pg_dump has them) are
/// stored as they were written: each element is extracted and quoted again.
const SETTING: &str = "pg_catalog.quote_ident(pg_catalog.split_part(one, '=', 1)) || ' TO ' || \
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
fn acl(object: &str, column: &str, owner: &str, condition: &str) -> String {
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

/// A psql script that prints statements for roles and tablespaces, which can be run repeatedly and never touch the role
/// that runs them.
pub(super) fn globals() -> String {
    // A comment and a setting of the connecting role stay as they are, too.
    let but_mine = |name: &str, statement: &str| {
        format!(
            "pg_catalog.format('DO %L;', pg_catalog.format('BEGIN IF session_user <> %L THEN %s; END IF; END', {name}, {statement}))"
        )
    };
    let own = "rolname !~ '^pg_'";
    let flag = |column: &str, word: &str| format!("CASE WHEN {column} THEN ' {word}' ELSE ' NO{word}' END");
    let flags = [
        flag("rolsuper", "SUPERUSER"),
        flag("rolinherit", "INHERIT"),
        flag("rolcreaterole", "CREATEROLE"),
        flag("rolcreatedb", "CREATEDB"),
        flag("rolcanlogin", "LOGIN"),
        flag("rolreplication", "REPLICATION"),
        flag("rolbypassrls", "BYPASSRLS"),
    ]
    .join(" || ");
    let alter = format!(
        "pg_catalog.format('ALTER ROLE %I WITH', rolname) || {flags} || ' CONNECTION LIMIT ' || rolconnlimit || \
         ' PASSWORD ' || coalesce(pg_catalog.quote_literal(rolpassword), 'NULL') || \
         coalesce(' VALID UNTIL ' || pg_catalog.quote_literal(rolvaliduntil::pg_catalog.text), '')"
    );
    let member = "pg_catalog.pg_get_userbyid(m.member)";
    let grant = "pg_catalog.format('GRANT %I TO %I', pg_catalog.pg_get_userbyid(m.roleid), pg_catalog.pg_get_userbyid(m.member)) || \
        CASE WHEN pg_catalog.to_jsonb(m) ? 'inherit_option' \
          THEN ' WITH ADMIN ' || m.admin_option || ', INHERIT ' || (pg_catalog.to_jsonb(m)->>'inherit_option') || ', SET ' || (pg_catalog.to_jsonb(m)->>'set_option') \
          WHEN m.admin_option THEN ' WITH ADMIN OPTION' ELSE '' END || \
        coalesce(' GRANTED BY ' || (SELECT pg_catalog.quote_ident(g.rolname) FROM pg_catalog.pg_roles g WHERE g.oid = m.grantor), '')";
    let setting = format!("pg_catalog.format('ALTER ROLE %I SET ', r.rolname) || {SETTING}");
    let comment =
        "pg_catalog.format('COMMENT ON ROLE %I IS %L', rolname, pg_catalog.shobj_description(oid, 'pg_authid'))";
    let space = "pg_catalog.format('CREATE TABLESPACE %I OWNER %I LOCATION %L', spcname, pg_catalog.pg_get_userbyid(spcowner), pg_catalog.pg_tablespace_location(oid))";
    let spaces = "FROM pg_catalog.pg_tablespace t WHERE spcname !~ '^pg_'";
    let space_acl = acl(
        "TABLESPACE ' || pg_catalog.quote_ident(t.spcname) || '",
        "t.spcacl",
        "t.spcowner",
        "WHERE t.spcacl IS NOT NULL",
    );
    [
        "\\set QUIET on".to_owned(),
        "SELECT '-- Roles and tablespaces, by bahub; they can be made again';".to_owned(),
        format!(
            "SELECT pg_catalog.format('DO %L;', pg_catalog.format('BEGIN CREATE ROLE %I; EXCEPTION WHEN duplicate_object THEN NULL; END', rolname)) \
             FROM pg_catalog.pg_roles WHERE {own} ORDER BY rolname;"
        ),
        format!("SELECT {} FROM pg_catalog.pg_authid WHERE {own} ORDER BY rolname;", but_mine("rolname", &alter)),
        format!(
            // A role that passes on a grant comes after the grant to itself.
            "WITH RECURSIVE chain AS (SELECT roleid, member, grantor, 0 AS depth FROM pg_catalog.pg_auth_members WHERE grantor = 10 \
               UNION ALL SELECT n.roleid, n.member, n.grantor, c.depth + 1 FROM pg_catalog.pg_auth_members n \
               JOIN chain c ON n.roleid = c.roleid AND n.grantor = c.member WHERE c.depth < 50) \
             SELECT {} FROM pg_catalog.pg_auth_members m WHERE {member} !~ '^pg_' \
             ORDER BY coalesce((SELECT min(c.depth) FROM chain c WHERE c.roleid = m.roleid AND c.member = m.member AND c.grantor = m.grantor), 50), \
               NOT m.admin_option, 1;",
            but_mine(member, grant)
        ),
        format!(
            "SELECT {} FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole, \
             pg_catalog.unnest(s.setconfig) WITH ORDINALITY AS c(one, at) WHERE s.setdatabase = 0 ORDER BY r.rolname, c.at;",
            but_mine("r.rolname", &setting)
        ),
        format!(
            "SELECT {} FROM pg_catalog.pg_roles WHERE {own} AND pg_catalog.shobj_description(oid, 'pg_authid') IS NOT NULL ORDER BY rolname;",
            but_mine("rolname", comment)
        ),
        format!(
            "SELECT pg_catalog.format(E'SELECT %L WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_tablespace WHERE spcname = %L) \\\\gexec', {space}, spcname) {spaces} ORDER BY spcname;"
        ),
        format!(
            "SELECT pg_catalog.format('ALTER TABLESPACE %I SET (%s);', spcname, pg_catalog.array_to_string(spcoptions, ', ')) {spaces} AND spcoptions IS NOT NULL ORDER BY spcname;"
        ),
        format!(
            "SELECT pg_catalog.format('COMMENT ON TABLESPACE %I IS %L;', spcname, pg_catalog.shobj_description(oid, 'pg_tablespace')) {spaces} \
             AND pg_catalog.shobj_description(oid, 'pg_tablespace') IS NOT NULL ORDER BY spcname;"
        ),
        format!(
            "SELECT p.statement || ';' FROM pg_catalog.pg_tablespace t, LATERAL ({space_acl}) AS p(place, statement) \
             WHERE t.spcname !~ '^pg_' ORDER BY t.spcname, p.place, p.statement;"
        ),
        "SELECT pg_catalog.current_setting('server_version_num')::int >= 150000 AS knows_parameters \\gset".to_owned(),
        "\\if :knows_parameters".to_owned(),
        format!(
            "SELECT p.statement || ';' FROM pg_catalog.pg_parameter_acl t, LATERAL ({}) AS p(place, statement) \
             WHERE p.place > 2 ORDER BY t.parname, p.statement;",
            acl("PARAMETER ' || t.parname || '", "t.paracl", "10", "WHERE t.paracl IS NOT NULL")
        ),
        "\\endif".to_owned(),
        String::new(),
    ]
    .join("\n")
}
