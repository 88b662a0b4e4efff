//! Counting rows.

use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_core::step::Step;

use super::PostgresDump;
use super::scope::Scope;

/// Counts the rows of every table of one database; a restore fills materialised views again. If tables are left out,
/// only pg_dump knows which.
pub(super) fn census(postgres: &PostgresDump, target: &ReplayTarget) -> Option<Step> {
    if !postgres.counts || postgres.schema_only || !postgres.exclude_tables.is_empty() {
        return None;
    }
    let database = match (&target.location, &postgres.scope) {
        (RestoreTarget::Database(name), _)
        | (RestoreTarget::Original | RestoreTarget::Directory(_), Scope::One(name)) => name,
        (RestoreTarget::Original | RestoreTarget::Directory(_), Scope::Some(_) | Scope::All { .. }) => return None,
    };
    Some(postgres.account.script(database, TABLES))
}

/// One line for each, whatever its name contains. A user from whom a policy hides rows cannot count them:
/// `FORCE ROW LEVEL SECURITY` also applies to the owner, who restores.
const TABLES: &str = "SET lock_timeout TO '60s';\n\
    SELECT pg_catalog.format(CASE WHEN pg_catalog.row_security_active(c.oid) THEN 'SELECT ''? '' || %L' \
        ELSE 'SELECT pg_catalog.count(*) || '' '' || %L FROM ONLY %I.%I' END, \
      pg_catalog.translate(pg_catalog.format('%I.%I', n.nspname, c.relname), E'\\n\\r', '  '), n.nspname, c.relname) \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
        AND e.objid = c.oid AND e.deptype = 'e') \
    ORDER BY n.nspname, c.relname \\gexec\n";
