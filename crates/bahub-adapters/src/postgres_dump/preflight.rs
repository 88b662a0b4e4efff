//! What is checked before anything starts: programs, the server, the login, the databases, the rights.

use bahub_core::adapter::{Findings, Probe};
use bahub_core::capture::OnFailure;
use bahub_core::run::RunPurpose;
use bahub_core::step::{ByteString, Stdin, Step};

use super::scope::Scope;
use super::{PostgresDump, catalog, lease, needs, roles, sql};
use crate::options;

/// The findings' names.
pub(super) const DATABASES: &str = "databases";
const MAKES: &str = "may make databases";
pub(super) const PSQL: &str = "psql";
pub(super) const PG_DUMP: &str = "pg_dump";
pub(super) const PG_RESTORE: &str = "pg_restore";
pub(super) const EXTENSIONS: &str = "extensions";
pub(super) const AVAILABLE: &str = "available extensions";
pub(super) const FUNCTIONS: &str = "functions without a search path";
pub(super) const HIDDEN: &str = "left out without a superuser";
pub(super) const REFUSED: &str = "texts that psql would refuse";
pub(super) const SUBSCRIPTIONS: &str = "subscriptions";
pub(super) const TABLESPACES: &str = "tablespaces";
pub(super) const CLOSED: &str = "databases that take no connections";
pub(super) const SERVER: &str = "postgres server";

/// The prefix of our own exceptions.
pub(super) const OBJECTION: &str = "refused by bahub";

pub(super) fn probes(postgres: &PostgresDump, purpose: RunPurpose) -> Vec<Probe> {
    let version = |name: &str| Step::new(name).arg("--version").env("LC_ALL", "C");
    let ask = |script: &str| postgres.account.script(database(postgres), script);
    let mut probes = vec![Probe::tool(PSQL, version(PSQL))];
    match purpose {
        RunPurpose::Backup => probes.insert(0, Probe::tool(PG_DUMP, version(PG_DUMP))),
        RunPurpose::Restore if matches!(postgres.scope, Scope::One(_)) => {
            probes.insert(0, Probe::tool(PG_RESTORE, version(PG_RESTORE)));
        }
        RunPurpose::Restore | RunPurpose::Recover => {}
    }
    let server = "SELECT pg_catalog.current_setting('server_version');";
    let login = if purpose == RunPurpose::Backup { database(postgres) } else { maintenance(postgres) };
    probes.push(Probe::check(own_session(postgres, login)));
    if purpose == RunPurpose::Backup {
        probes.push(Probe::tool(SERVER, ask(server)));
        if let (Scope::Some(names), OnFailure::ReadOn) = (&postgres.scope, postgres.on_failure) {
            probes.extend(names.iter().map(|name| Probe::check(postgres.account.script(name, "SELECT 1;"))));
        }
        probes.extend(
            readable(postgres).into_iter().map(|(name, script)| Probe::check(postgres.account.script(name, &script))),
        );
    } else {
        let maintenance = maintenance(postgres);
        let ask = |script: &str| postgres.account.script(maintenance, script);
        probes.push(Probe::tool(SERVER, ask(server)));
        let makes = "SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user;";
        probes.push(Probe::fact(MAKES, ask(makes)));
    }
    if let (RunPurpose::Backup, Scope::All { exclude }) = (purpose, &postgres.scope) {
        let script = format!(
            "SELECT coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(datname), ', ' ORDER BY datname), '') FROM pg_catalog.pg_database \
             WHERE (NOT datallowconn OR datconnlimit = -2) AND datname NOT IN ('template0', 'template1') AND datname::text <> ALL ({});",
            sql::texts(exclude.iter().map(String::as_str))
        );
        probes.push(Probe::fact(CLOSED, ask(&script)));
    }
    if purpose == RunPurpose::Backup && postgres.globals {
        probes.push(Probe::fact(TABLESPACES, ask(&roles::tablespaces())));
    }
    let is_one = matches!(postgres.scope, Scope::One(_));
    if is_one {
        match purpose {
            RunPurpose::Backup => probes.extend([
                Probe::fact(EXTENSIONS, ask(needs::USED)),
                Probe::fact(FUNCTIONS, ask(&needs::functions())),
                Probe::fact(HIDDEN, ask(&needs::hidden())),
                Probe::fact(REFUSED, ask(&needs::refused())),
            ]),
            RunPurpose::Restore => {
                probes.push(Probe::fact(AVAILABLE, postgres.account.script(maintenance(postgres), needs::AVAILABLE)));
            }
            RunPurpose::Recover => {}
        }
    }
    if purpose == RunPurpose::Backup && is_one && !postgres.exclude_tables.is_empty() {
        probes.push(Probe::fact(options::FITS_NOTHING, ask(&fits_nothing(postgres))));
    }
    if purpose == RunPurpose::Backup {
        let script = format!(
            "SELECT coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(s.subname), ', ' ORDER BY s.subname), '') \
             FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid \
             WHERE (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) AND {};",
            chosen(postgres)
        );
        probes.push(Probe::fact(SUBSCRIPTIONS, ask(&script)));
    }
    // From the maintenance database, because the database to restore need not exist.
    let list = postgres.account.script(maintenance(postgres), &catalog::databases(&chosen(postgres)));
    probes.push(Probe::fact(DATABASES, list));
    probes
}

/// What is said where sessions are shared.
pub(super) const POOLED: &str = "bahub: the session is shared with other clients";

/// psql, failing where a new session has what another one has set. It sets nothing else, because clients would get that.
fn own_session(postgres: &PostgresDump, database: &str) -> Step {
    let setting = "bahub.session";
    let script = format!(
        "SELECT pg_catalog.set_config('{setting}', 'another', false) \\g /dev/null\n{}\
         SELECT coalesce(pg_catalog.current_setting('{setting}', true), '') = 'another' AS is_shared, \
           pg_catalog.set_config('{setting}', '', false) \\gset\n\
         \\if :is_shared\n{}\\endif\n",
        lease::reconnect(database),
        sql::block(&format!("BEGIN RAISE EXCEPTION '{POOLED}'; END"))
    );
    postgres.account.psql(database).stdin(Stdin::Literal(ByteString::from(&script)))
}

/// Whether the user may create databases; assumed if nothing was found.
pub(super) fn may_make(found: &Findings) -> bool {
    found.get(MAKES) != Some("f")
}

/// The database for queries: one that is in the backup, so that it is known to exist, unless any of them may be missing.
fn database(postgres: &PostgresDump) -> &str {
    match &postgres.scope {
        Scope::Some(_) if postgres.on_failure == OnFailure::LeaveOut => maintenance(postgres),
        Scope::One(name) => name,
        Scope::Some(names) => names.first().map_or("postgres", String::as_str),
        Scope::All { .. } => "postgres",
    }
}

/// The database to be connected to while those of the spec are renamed.
pub(super) fn maintenance(postgres: &PostgresDump) -> &'static str {
    match &postgres.scope {
        Scope::One(name) => lease::maintenance([name.as_str()]),
        Scope::Some(names) => lease::maintenance(names.iter().map(String::as_str)),
        Scope::All { exclude } if exclude.iter().any(|name| name == "postgres") => "postgres",
        Scope::All { .. } => "template1",
    }
}

/// A condition on `d`: the databases of the backup.
pub(super) fn chosen(postgres: &PostgresDump) -> String {
    let names = |names: &[String]| sql::texts(names.iter().map(String::as_str));
    match &postgres.scope {
        Scope::One(name) => format!("d.datname::text = {}", sql::text(name)),
        Scope::Some(some) => format!("d.datname::text = ANY ({})", names(some)),
        Scope::All { exclude } => format!(
            "d.datallowconn AND d.datconnlimit <> -2 AND d.datname NOT IN ('template0', 'template1') AND d.datname !~ '{}' AND d.datname::text <> ALL ({})",
            lease::OURS,
            names(exclude)
        ),
    }
}

/// Scripts that fail where the dump would, by database. For all databases, the right to read everything is required.
fn readable(postgres: &PostgresDump) -> Vec<(&str, String)> {
    let mut scripts = Vec::new();
    if postgres.globals {
        let needed = "'read pg_authid, where the roles'' passwords are: set `globals: false`, or back up as a superuser or a member of pg_read_all_data'";
        let may = "pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT')";
        scripts.push((database(postgres), objection(may, needed)));
    }
    match &postgres.scope {
        Scope::All { .. } => {
            let may = "(SELECT r.rolsuper OR (pg_catalog.to_regrole('pg_read_all_data') IS NOT NULL AND \
                pg_catalog.pg_has_role(current_user, pg_catalog.to_regrole('pg_read_all_data'), 'USAGE')) \
                FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)";
            scripts.push((
                database(postgres),
                objection(may, "'read all databases: it is neither a superuser nor in pg_read_all_data'"),
            ));
        }
        Scope::One(name) => scripts.push((name, unreadable(postgres))),
        // What cannot be read is left out.
        Scope::Some(_) if postgres.on_failure == OnFailure::LeaveOut => {}
        Scope::Some(names) => scripts.extend(names.iter().map(|name| (name.as_str(), unreadable(postgres)))),
    }
    scripts
}

/// Excluded tables that do not exist. Only pg_dump knows what a pattern matches; a name without a schema is looked up where
/// the user sees it without one, as pg_dump does.
fn fits_nothing(postgres: &PostgresDump) -> String {
    let is_name =
        |name: &&String| name.chars().all(|character| character.is_ascii_alphanumeric() || "_.".contains(character));
    let names = postgres.exclude_tables.iter().filter(is_name).map(String::as_str);
    format!(
        "SELECT pg_catalog.count(*) || coalesce(pg_catalog.string_agg(' ' || pg_catalog.encode(pg_catalog.convert_to(name, 'UTF8'), 'hex'), ''), '') \
         FROM pg_catalog.unnest({}) AS wanted(name) WHERE NOT EXISTS ( \
           SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
           WHERE n.nspname || '.' || c.relname = pg_catalog.lower(name) \
             OR (c.relname = pg_catalog.lower(name) AND pg_catalog.pg_table_is_visible(c.oid)));",
        sql::texts(names)
    )
}

fn objection(may: &str, what: &str) -> String {
    sql::block(&format!(
        "BEGIN IF NOT {may} THEN RAISE EXCEPTION '{OBJECTION}: the user may not %', {what}; END IF; END"
    ))
}

/// Tables and sequences that the dump would lock and read. If some are left out, only pg_dump knows which.
fn unreadable(postgres: &PostgresDump) -> String {
    if postgres.schema_only || !postgres.exclude_tables.is_empty() {
        return "SELECT 1;".into();
    }
    // In groups of 20 names, to keep messages readable.
    sql::block(&format!(
        "DECLARE names text; BEGIN SELECT pg_catalog.string_agg(name, ', ') INTO names FROM ( \
           SELECT c.oid::pg_catalog.regclass::text AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
           WHERE c.relkind IN ('r', 'p', 'm', 'S') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid AND e.deptype = 'e') \
             AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND \
               CASE c.relkind WHEN 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT') ELSE pg_catalog.has_table_privilege(c.oid, 'SELECT') END) \
           ORDER BY 1 LIMIT 20) AS unreadable; \
         IF names IS NOT NULL THEN RAISE EXCEPTION '{OBJECTION}: the user may not read %', names; END IF; END"
    ))
}
