//! Emptying a database inside the transaction that fills it again.

use super::sql;

/// Objects from here on are not the server's own (PostgreSQL's `FirstNormalObjectId`).
const FIRST: &str = "16384";

/// Drops everything that a dump can contain, and recreates the schema `public` as in a new database. The statements are
/// generated before the first of them runs: objects that were dropped along with others are skipped.
pub(super) fn script() -> String {
    let of_nothing = |catalog: &str, oid: &str| {
        format!(
            "NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.{catalog}'::pg_catalog.regclass \
             AND e.objid = {oid} AND e.deptype IN ('e', 'i'))"
        )
    };
    let named = |place: u8, what: &str, catalog: &str, name: &str, condition: &str| {
        format!(
            "SELECT {place}, pg_catalog.format('DROP {what} IF EXISTS %I CASCADE', {name}) FROM pg_catalog.{catalog} WHERE {condition}"
        )
    };
    let later = format!("oid >= {FIRST}");
    let drops = [
        named(1, "EVENT TRIGGER", "pg_event_trigger", "evtname", "true"),
        named(1, "PUBLICATION", "pg_publication", "pubname", "true"),
        // The slot on the other server stays: the subscription that comes back has it, too.
        "SELECT CASE WHEN action LIKE '%DISABLE' THEN 0 ELSE 1 END, pg_catalog.format(action, s.subname) FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid, \
           (VALUES ('ALTER SUBSCRIPTION %I DISABLE'), ('ALTER SUBSCRIPTION %I SET (slot_name = NONE)')) AS steps(action) WHERE d.datname = pg_catalog.current_database()"
            .to_owned(),
        "SELECT 2, pg_catalog.format('DROP SUBSCRIPTION %I', s.subname) FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid \
           WHERE d.datname = pg_catalog.current_database()"
            .to_owned(),
        format!(
            "SELECT 2, pg_catalog.format('DROP CAST IF EXISTS (%s AS %s) CASCADE', castsource::pg_catalog.regtype, casttarget::pg_catalog.regtype) \
             FROM pg_catalog.pg_cast c WHERE c.oid >= {FIRST} AND {}",
            of_nothing("pg_cast", "c.oid")
        ),
        format!(
            "SELECT 2, pg_catalog.format('DROP TRANSFORM IF EXISTS FOR %s LANGUAGE %I CASCADE', trftype::pg_catalog.regtype, lanname) \
             FROM pg_catalog.pg_transform t JOIN pg_catalog.pg_language l ON l.oid = t.trflang WHERE t.oid >= {FIRST} AND {}",
            of_nothing("pg_transform", "t.oid")
        ),
        named(3, "EXTENSION", "pg_extension", "extname", "extname <> 'plpgsql'"),
        named(4, "SCHEMA", "pg_namespace", "nspname", "nspname !~ '^pg_' AND nspname <> 'information_schema'"),
        named(5, "FOREIGN DATA WRAPPER", "pg_foreign_data_wrapper", "fdwname", &later),
        named(5, "ACCESS METHOD", "pg_am", "amname", &later),
        named(6, "LANGUAGE", "pg_language", "lanname", &later.replace("oid", "lanname <> 'plpgsql' AND oid")),
        "SELECT 7, pg_catalog.format('SELECT pg_catalog.lo_unlink(%s)', oid) FROM pg_catalog.pg_largeobject_metadata".to_owned(),
    ]
    .join(" UNION ALL ");
    let public = "CREATE SCHEMA public; COMMENT ON SCHEMA public IS 'standard public schema'; \
        IF pg_catalog.current_setting('server_version_num')::int >= 150000 THEN \
          ALTER SCHEMA public OWNER TO pg_database_owner; GRANT USAGE ON SCHEMA public TO PUBLIC; \
        ELSE GRANT ALL ON SCHEMA public TO PUBLIC; END IF;";
    let body = format!(
        "DECLARE one record; BEGIN FOR one IN SELECT * FROM ({drops}) AS drops(at, statement) ORDER BY at LOOP EXECUTE one.statement; END LOOP; {public} END"
    );
    format!("SET LOCAL client_min_messages = error;\n{}", sql::block(&body))
}
