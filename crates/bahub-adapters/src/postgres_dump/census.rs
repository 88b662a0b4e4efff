//! Counting rows.

use bahub_core::capture::OnFailure;
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_core::secret::Secret;
use bahub_core::step::Step;

use super::account::UNLIMITED;
use super::scope::Scope;
use super::{PostgresDump, preflight, sql};

/// Counts the rows of every table of a database, or of all that are backed up; a restore fills materialised views again. If tables are
/// left out, only pg_dump knows which.
pub(super) fn census(postgres: &PostgresDump, target: &ReplayTarget) -> Option<Step> {
    if !postgres.counts || postgres.schema_only || !postgres.exclude_tables.is_empty() {
        return None;
    }
    match (&target.location, &postgres.scope) {
        (RestoreTarget::Original | RestoreTarget::Directory(_), Scope::One(name)) => {
            Some(postgres.account.script(name, &tables("''")))
        }
        (RestoreTarget::Database(name), _) => {
            let part = sql::text(&prefix(postgres, target).unwrap_or_default());
            Some(postgres.account.script(name, &tables(&part)))
        }
        (RestoreTarget::Original | RestoreTarget::Directory(_), Scope::Some(_) | Scope::All { .. }) => {
            let maintenance = preflight::maintenance(postgres);
            let script = postgres.account.script(maintenance, "\\set after ''\n\\i :loop\n");
            // psql has no loops, but a script can include itself. It is no secret: this is how a step brings a file.
            Some(script.secret_file("--set=loop=", Secret::new(each_database(postgres, maintenance))))
        }
    }
}

/// What the names of tables begin with where several databases are backed up.
pub(super) fn prefix(postgres: &PostgresDump, target: &ReplayTarget) -> Option<String> {
    match (&postgres.scope, target.members.as_slice()) {
        (Scope::Some(_) | Scope::All { .. }, [one]) => {
            Some(format!("{} ", sql::ident(&one.to_string_lossy()).replace(['\n', '\r'], " ")))
        }
        _ => None,
    }
}

/// A script that goes to the next database after `:after`, counts there, and begins again. Where a partial backup is wanted, what cannot
/// be counted is passed over, with psql's message; psql ends where it cannot connect, so that such databases are not tried.
fn each_database(postgres: &PostgresDump, maintenance: &str) -> String {
    let (go_on, stop, may_connect) = match postgres.on_failure {
        OnFailure::LeaveOut => (
            "\\set ON_ERROR_STOP 0\n",
            "\\set ON_ERROR_STOP 1\n",
            "AND d.datallowconn AND pg_catalog.has_database_privilege(d.oid, 'CONNECT') ",
        ),
        _ => ("", "", ""),
    };
    let next = format!(
        "SELECT d.datname::pg_catalog.text AS name FROM pg_catalog.pg_database d WHERE {} {may_connect}\
         AND d.datname::pg_catalog.text COLLATE \"C\" > :'after' COLLATE \"C\" ORDER BY d.datname::pg_catalog.text COLLATE \"C\" LIMIT 1",
        preflight::chosen(postgres)
    );
    let connection =
        r"'dbname=''' || pg_catalog.replace(pg_catalog.replace(max(name), E'\\', E'\\\\'), '''', E'\\''') || ''''";
    let part = "pg_catalog.translate('\"' || pg_catalog.replace(max(name), '\"', '\"\"') || '\" ', E'\\n\\r', '  ')";
    format!(
        "SELECT count(*) > 0 AS more, coalesce(max(name), '') AS after, coalesce({connection}, '') AS connection, coalesce({part}, '') AS part \
         FROM ({next}) AS next \\gset\n\\if :more\n\\connect -reuse-previous=on :\"connection\"\n{UNLIMITED}{go_on}{}{stop}\
         \\connect -reuse-previous=on dbname={maintenance}\n\\i :loop\n\\endif\n",
        tables(":'part'")
    )
}

/// One line for each table, whatever its name contains, after this expression. A user from whom a policy hides rows cannot count them:
/// `FORCE ROW LEVEL SECURITY` also applies to the owner, who restores.
fn tables(part: &str) -> String {
    format!(
        "SET lock_timeout TO '60s';\n\
         SELECT pg_catalog.format(CASE WHEN pg_catalog.row_security_active(c.oid) THEN 'SELECT ''? '' || %L' \
             ELSE 'SELECT pg_catalog.count(*) || '' '' || %L FROM ONLY %I.%I' END, \
           {part} || pg_catalog.translate(pg_catalog.format('%I.%I', n.nspname, c.relname), E'\\n\\r', '  '), n.nspname, c.relname) \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
             AND e.objid = c.oid AND e.deptype = 'e') \
         ORDER BY n.nspname, c.relname \\gexec\n"
    )
}
