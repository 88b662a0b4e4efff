//! Emptying a database inside of the transaction that fills it again.

use super::sql;

/// Drops everything that a dump can hold, and makes the schema `public` as a new database has it.
pub(super) fn script() -> String {
    let drops = [
        "SELECT 1 AS at, pg_catalog.format('DROP EVENT TRIGGER %I CASCADE', evtname) AS statement FROM pg_catalog.pg_event_trigger",
        "SELECT 2, pg_catalog.format('DROP PUBLICATION %I CASCADE', pubname) FROM pg_catalog.pg_publication",
        "SELECT 3, pg_catalog.format('DROP EXTENSION %I CASCADE', extname) FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql'",
        "SELECT 4, pg_catalog.format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) FROM pg_catalog.pg_namespace \
         WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'",
        "SELECT 5, pg_catalog.format('DROP FOREIGN DATA WRAPPER IF EXISTS %I CASCADE', fdwname) FROM pg_catalog.pg_foreign_data_wrapper",
        "SELECT 6, pg_catalog.format('DROP LANGUAGE IF EXISTS %I CASCADE', lanname) FROM pg_catalog.pg_language WHERE lanispl AND lanname <> 'plpgsql'",
        "SELECT 7, pg_catalog.format('SELECT pg_catalog.lo_unlink(%s)', oid) FROM pg_catalog.pg_largeobject_metadata",
    ]
    .join(" UNION ALL ");
    let public = "CREATE SCHEMA public; COMMENT ON SCHEMA public IS 'standard public schema'; \
        IF pg_catalog.current_setting('server_version_num')::int >= 150000 THEN \
          ALTER SCHEMA public OWNER TO pg_database_owner; GRANT USAGE ON SCHEMA public TO PUBLIC; \
        ELSE GRANT ALL ON SCHEMA public TO PUBLIC; END IF;";
    let body = format!(
        "DECLARE one record; BEGIN FOR one IN SELECT * FROM ({drops}) AS drops ORDER BY at LOOP EXECUTE one.statement; END LOOP; {public} END"
    );
    format!("SET LOCAL client_min_messages = error;\n{}", sql::block(&body))
}
