//! What a database needs of the server that it is restored to: extensions, and a search path for its functions.

use bahub_core::adapter::Findings;
use bahub_core::replay::{Stored, Unsupported};

use super::preflight;
use crate::list;

/// The names of the record's entries.
const EXTENSIONS: &str = "extensions";
const SEARCH_PATH: &str = "search_path";

/// A query for the extensions of a database, in hexadecimal on one line.
pub(super) const USED: &str = "SELECT pg_catalog.count(*) || coalesce(pg_catalog.string_agg(' ' || pg_catalog.encode(pg_catalog.convert_to(extname::pg_catalog.text, 'UTF8'), 'hex'), '' ORDER BY extname), '') \
    FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql';\n";

/// A query for those that a server could make, likewise.
pub(super) const AVAILABLE: &str = "SELECT pg_catalog.count(*) || coalesce(pg_catalog.string_agg(' ' || pg_catalog.encode(pg_catalog.convert_to(name::pg_catalog.text, 'UTF8'), 'hex'), '' ORDER BY name), '') \
    FROM pg_catalog.pg_available_extensions;\n";

/// A query for what the user of a backup cannot read of the current database, and `pg_dump` leaves out without an error.
const HIDDEN: &str = "SELECT coalesce(pg_catalog.translate(pg_catalog.concat_ws('; ', \
      (SELECT 'subscriptions: ' || pg_catalog.string_agg(pg_catalog.quote_ident(s.subname), ', ' ORDER BY s.subname) \
       FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = pg_catalog.current_database()), \
      (SELECT 'options of user mappings, such as passwords: ' || pg_catalog.string_agg( \
         coalesce(pg_catalog.quote_ident(m.usename), 'PUBLIC') || ' on ' || pg_catalog.quote_ident(m.srvname), ', ' ORDER BY m.srvname, m.usename) \
       FROM pg_catalog.pg_user_mappings m WHERE m.umoptions IS NULL)), E'\\n\\r', '  '), '') AS hidden \
    FROM pg_catalog.pg_roles r WHERE r.rolname = current_user AND NOT r.rolsuper";

/// The same as a script.
pub(super) fn hidden() -> String {
    format!("SELECT coalesce(({HIDDEN}), '');\n")
}

/// A query for texts of the current database that a script may not hold (`script::WAY_OUT`).
const REFUSED: &str = "SELECT coalesce(pg_catalog.translate(pg_catalog.string_agg(what, ', ' ORDER BY what), E'\\n\\r', '  '), '') AS refused FROM ( \
      SELECT 'function ' || p.oid::pg_catalog.regprocedure::pg_catalog.text AS what FROM pg_catalog.pg_proc p \
        WHERE p.oid >= 16384 AND pg_catalog.strpos(p.prosrc, E'\\\\unrestrict') > 0 \
      UNION ALL SELECT 'comment on ' || pg_catalog.pg_describe_object(d.classoid, d.objoid, d.objsubid) FROM pg_catalog.pg_description d \
        WHERE pg_catalog.strpos(d.description, E'\\\\unrestrict') > 0) AS texts";

/// The same as a script.
pub(super) fn refused() -> String {
    format!("{REFUSED};\n")
}

const NOT_RESTORED: &str = "psql cannot restore these, because they contain \\\\unrestrict: ";

const LEFT_OUT: &str = "only a superuser can back these up, and they are not in the backup: ";

/// Common table expressions: in `used`, functions that a restore calls while it has an empty search path, and that may rely on one:
/// those of generated columns, checks, expressions of indexes and materialised views, unless they have a search path of their own, or a
/// body that the server has resolved. In `safe`, the search path of the database, unless others than its owners may create something
/// on it.
fn used_and_safe() -> String {
    let of = |catalog: &str| format!("'pg_catalog.{catalog}'::pg_catalog.regclass");
    format!(
        "WITH used AS (SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text AS name FROM pg_catalog.pg_proc p \
           JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname IN ('sql', 'plpgsql') \
           WHERE p.oid >= 16384 AND pg_catalog.to_jsonb(p)->>'prosqlbody' IS NULL \
             AND NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) AS one WHERE one LIKE 'search_path=%') \
             AND EXISTS (SELECT FROM pg_catalog.pg_depend d \
               LEFT JOIN pg_catalog.pg_attrdef f ON d.classid = {attrdef} AND f.oid = d.objid \
               LEFT JOIN pg_catalog.pg_attribute a ON (f.adrelid = a.attrelid AND f.adnum = a.attnum OR d.classid = {class} AND d.objid = a.attrelid AND d.objsubid = a.attnum) AND a.attgenerated <> '' \
               LEFT JOIN pg_catalog.pg_constraint k ON d.classid = {constraint} AND k.oid = d.objid AND k.contype = 'c' \
               LEFT JOIN pg_catalog.pg_rewrite w ON d.classid = {rewrite} AND w.oid = d.objid \
               LEFT JOIN pg_catalog.pg_class c ON (d.classid = {class} AND c.oid = d.objid AND c.relkind IN ('i', 'I')) OR (c.oid = w.ev_class AND c.relkind = 'm') \
               WHERE d.refclassid = {proc} AND d.refobjid = p.oid AND (a.attnum IS NOT NULL OR k.oid IS NOT NULL OR c.oid IS NOT NULL))), \
         setting AS (SELECT coalesce((SELECT pg_catalog.substr(one, 13) FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS one \
           WHERE s.setrole = 0 AND s.setdatabase = d.oid AND one LIKE 'search_path=%'), 'public') AS path, d.datdba \
           FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()), \
         schema AS (SELECT coalesce(pg_catalog.replace(found[1], '\"\"', '\"'), found[2]) AS name, place, datdba FROM setting, \
           pg_catalog.regexp_matches(path, '\"((?:[^\"]|\"\")*)\"|([^\",[:space:]]+)', 'g') WITH ORDINALITY AS element(found, place)), \
         safe AS (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(s.name), ', ' ORDER BY s.place) AS path FROM schema s \
           JOIN pg_catalog.pg_namespace n ON n.nspname = s.name HAVING pg_catalog.bool_and(NOT EXISTS ( \
             SELECT FROM pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) AS g \
             WHERE g.privilege_type = 'CREATE' AND g.grantee NOT IN (n.nspowner, s.datdba) \
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = g.grantee AND r.rolsuper)))) ",
        attrdef = of("pg_attrdef"),
        class = of("pg_class"),
        constraint = of("pg_constraint"),
        rewrite = of("pg_rewrite"),
        proc = of("pg_proc"),
    )
}

/// A query for both, on one line in hexadecimal: the path, and the functions.
pub(super) fn functions() -> String {
    let hex = |text: &str| format!("pg_catalog.encode(pg_catalog.convert_to({text}, 'UTF8'), 'hex')");
    format!(
        "{} SELECT CASE pg_catalog.count(*) WHEN 0 THEN '0' ELSE (pg_catalog.count(*) + 1) || ' ' || coalesce((SELECT {} FROM safe), {}) \
           || pg_catalog.string_agg(' ' || {}, '' ORDER BY name) END FROM used;\n",
        used_and_safe(),
        hex("path"),
        hex(&format!("'{UNSAFE}'")),
        hex("name")
    )
}

/// The setting that holds the search path in a script that begins with [`path_statement`].
pub(super) const PATH_SETTING: &str = "bahub.search_path";

/// A script that prints a statement which keeps the path that functions need for a restore, if any do, and warns of those that have none.
pub(super) fn path_statement() -> String {
    let both = used_and_safe();
    format!(
        "\\set VERBOSITY terse\n\
         {both} SELECT 'SELECT pg_catalog.set_config(''{PATH_SETTING}'', ' || pg_catalog.quote_literal(path) || ', false);' FROM safe \
           WHERE path IS NOT NULL AND EXISTS (SELECT FROM used);\n\
         {both} SELECT pg_catalog.format('DO %L', pg_catalog.format('BEGIN RAISE WARNING %L, %L; END', '%', '{WITHOUT}' || \
           pg_catalog.string_agg(name, ', ' ORDER BY name) || ' (in the database ' || pg_catalog.current_database() || '); {REMEDY}')) FROM used \
           WHERE NOT EXISTS (SELECT FROM safe WHERE path IS NOT NULL) HAVING pg_catalog.count(*) > 0 \\gexec\n\
         SELECT pg_catalog.format('DO %L', pg_catalog.format('BEGIN RAISE WARNING %L, %L; END', '%', '{LEFT_OUT}' || hidden || \
           ' (in the database ' || pg_catalog.current_database() || ')')) FROM ({HIDDEN}) AS h WHERE hidden <> '' \\gexec\n\
         SELECT pg_catalog.format('DO %L', pg_catalog.format('BEGIN RAISE WARNING %L, %L; END', '%', E'{NOT_RESTORED}' || refused || \
           ' (in the database ' || pg_catalog.current_database() || ')')) FROM ({REFUSED}) AS r WHERE refused <> '' \\gexec\n"
    )
}

const WITHOUT: &str = "these functions may need a search path, but a restore runs them without one, because other roles may create objects on it: ";
const REMEDY: &str = "for each of them: ALTER FUNCTION ... SET search_path = public, pg_temp";

/// Stands for a search path that is not to be used.
const UNSAFE: &str = ",";

/// The search path that a restore will use.
pub(super) fn recorded_path(found: &Findings) -> Option<String> {
    functions_of(found).and_then(|(path, _)| path)
}

/// What a backup records of it.
pub(super) fn record(found: &Findings) -> impl Iterator<Item = (String, String)> {
    let extensions = found.get(preflight::EXTENSIONS).map(|line| (EXTENSIONS.to_owned(), line.to_owned()));
    extensions.into_iter().chain(recorded_path(found).map(|path| (SEARCH_PATH.to_owned(), path)))
}

/// A search path that may be used, and the functions that need one; none if there are none.
fn functions_of(found: &Findings) -> Option<(Option<String>, Vec<String>)> {
    let mut texts = list::parse(found.get(preflight::FUNCTIONS)?)?.into_iter();
    let path = texts.next()?;
    Some(((path != UNSAFE).then_some(path), texts.collect()))
}

/// What a backup has to say about it.
pub(super) fn warnings(found: &Findings) -> Vec<String> {
    let hidden = found.get(preflight::HIDDEN).filter(|names| !names.is_empty());
    let refused = found.get(preflight::REFUSED).filter(|names| !names.is_empty());
    let refused =
        refused.map(|names| format!("{}{names}; restore with `format: custom`", NOT_RESTORED.replace("\\\\", "\\")));
    let mut warnings: Vec<_> = hidden.map(|names| format!("{LEFT_OUT}{names}")).into_iter().chain(refused).collect();
    if let Some((None, functions)) = functions_of(found) {
        warnings.push(format!("{WITHOUT}{}; {REMEDY}", functions.join(", ")));
    }
    if extensions(found.get(preflight::EXTENSIONS)).iter().any(|name| name == "timescaledb") {
        warnings.push(
            "the database uses timescaledb, with which bahub was never tried: its own instructions call timescaledb_pre_restore() and \
             timescaledb_post_restore() around a restore; try one now, under another name"
                .into(),
        );
    }
    warnings
}

fn extensions(line: Option<&str>) -> Vec<String> {
    line.and_then(list::parse).unwrap_or_default()
}

/// The search path that functions of a stored version need.
pub(super) fn search_path(stored: &Stored) -> Option<&str> {
    stored.record.get(SEARCH_PATH).map(String::as_str)
}

/// Refuses a server that lacks extensions, or that cannot make them in a new database.
pub(super) fn met(found: &Findings, stored: &Stored, in_place: bool) -> Result<(), Unsupported> {
    let used = extensions(stored.record.get(EXTENSIONS).map(String::as_str));
    let Some(available) = found.get(preflight::AVAILABLE).and_then(list::parse) else { return Ok(()) };
    let missing = used.iter().filter(|name| !available.contains(name)).cloned().collect::<Vec<_>>();
    if !missing.is_empty() {
        return Err(Unsupported {
            what: format!("the database uses extensions that this server does not have: {}", missing.join(", ")),
            help: "install their packages on the server (for example postgresql-17-pgvector); nothing was changed"
                .into(),
        });
    }
    if !in_place && used.iter().any(|name| name == "pg_cron") {
        return Err(Unsupported {
            what: "the database uses pg_cron, which lives only in the database that the server's `cron.database_name` names, and not in a new one".into(),
            help: "{restore in place}".into(),
        });
    }
    Ok(())
}
