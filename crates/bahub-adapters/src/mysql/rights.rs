//! The rights without which a dump would silently be incomplete, or a restore fail too late.

use bahub_core::adapter::Findings;
use bahub_core::replay::Unsupported;

use super::scope::Scope;
use super::version::{self, Family};
use super::{Mysql, preflight, sql};

/// The findings' names.
pub(super) const LACKING: &str = "rights that are missing";
pub(super) const ROLES: &str = "active roles";

/// The query for the second.
pub(super) const ROLES_QUERY: &str =
    "SELECT COUNT(*) FROM information_schema.enabled_roles WHERE role_name IS NOT NULL;";

/// The rights that a dump needs on what it reads. Without TRIGGER, triggers are silently left out; EVENT and SHOW VIEW stop it.
const TO_READ: [&str; 4] = ["SELECT", "SHOW VIEW", "TRIGGER", "EVENT"];

/// The rights that a restore needs when the old database is gone.
const TO_REPLACE: [&str; 11] = [
    "SELECT",
    "INSERT",
    "CREATE",
    "DROP",
    "ALTER",
    "CREATE VIEW",
    "TRIGGER",
    "EVENT",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "EXECUTE",
];

/// What a dump needs to read the text of routines: a word in place of a right, since the families differ.
const ROUTINES: &str = "ROUTINES";

/// A query for the rights that are missing for a backup, separated by commas.
pub(super) fn to_read(mysql: &Mysql) -> String {
    lacking(mysql, &TO_READ, true)
}

/// The same for a restore over databases that are there.
pub(super) fn to_replace(mysql: &Mysql) -> String {
    lacking(mysql, &TO_REPLACE, false)
}

/// A query for those of these rights that are missing on any database of the spec, as far as the account can see. A role's are not
/// always shown to those who have it.
fn lacking(mysql: &Mysql, rights: &[&str], with_routines: bool) -> String {
    let rights = rights.iter().map(|right| format!("SELECT '{right}' AS name")).collect::<Vec<_>>().join(" UNION ALL ");
    let account = "CONCAT('\\'', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '\\'@\\'', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '\\'')";
    let granted = format!(
        "(grantee = {account} OR EXISTS (SELECT 1 FROM information_schema.enabled_roles AS r WHERE LOCATE(CONCAT('\\'', r.role_name, '\\'@'), grantee) = 1))"
    );
    let global = |rights: &str| {
        format!("SELECT 1 FROM information_schema.user_privileges WHERE {granted} AND privilege_type IN ({rights})")
    };
    let on_one = format!(
        "SELECT 1 FROM information_schema.schema_privileges WHERE {granted} AND privilege_type = needed.name \
         AND schemata.schema_name LIKE table_schema"
    );
    let anywhere = match mysql.scope {
        // What cannot be seen would silently be left out.
        Scope::All { .. } => String::new(),
        Scope::One(_) | Scope::Some(_) => format!("AND NOT EXISTS ({on_one})"),
    };
    let on_proc = format!(
        "SELECT 1 FROM information_schema.table_privileges WHERE {granted} AND privilege_type = 'SELECT' \
           AND table_schema = 'mysql' AND table_name = 'proc' UNION ALL \
         SELECT 1 FROM information_schema.schema_privileges WHERE {granted} AND privilege_type = 'SELECT' AND 'mysql' LIKE table_schema"
    );
    format!(
        "SET SESSION sql_mode = ''; SET @missing = (SELECT GROUP_CONCAT(DISTINCT needed.name ORDER BY 1 SEPARATOR ', ') FROM ({rights}) AS needed, \
         information_schema.schemata AS schemata WHERE {} AND NOT EXISTS ({}) {anywhere}); \
         SET @routines = IF({} OR EXISTS ({}) OR (VERSION() LIKE '%MariaDB%' AND EXISTS ({on_proc})), NULL, '{ROUTINES}'); \
         SELECT CONCAT_WS(', ', @missing, @routines);",
        preflight::within(mysql, "schemata.schema_name"),
        global("needed.name"),
        if with_routines { "FALSE" } else { "TRUE" },
        global("'SELECT', 'SHOW_ROUTINE'"),
    )
}

/// What is missing, and whether a role may grant it.
fn found_lacking(found: &Findings) -> (Vec<&str>, bool) {
    let lacking = found.get(LACKING).unwrap_or_default().split(", ").filter(|right| !right.is_empty()).collect();
    (lacking, found.get(ROLES).is_some_and(|count| count != "0"))
}

/// How the right to read routines is called on this server.
fn reading_routines(found: &Findings) -> &'static str {
    match version::server(found) {
        Family::MariaDb => "SELECT ON mysql.proc",
        Family::MySql => "SHOW_ROUTINE",
    }
}

fn names(rights: &[&str], found: &Findings) -> String {
    let name = |right: &&str| if *right == ROUTINES { reading_routines(found) } else { *right }.to_owned();
    rights.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The warning about rights that only a role can grant.
pub(super) fn unknown(found: &Findings) -> Option<String> {
    let (lacking, has_roles) = found_lacking(found);
    (has_roles && !lacking.is_empty()).then(|| {
        format!(
            "whether the user has {} by a role could not be checked: without it, a backup is silently incomplete, or a restore fails",
            names(&lacking, found)
        )
    })
}

/// Refuses a backup that would lack something.
pub(super) fn refuse_backup(mysql: &Mysql, found: &Findings) -> Result<(), Unsupported> {
    refuse(mysql, found, "without which a dump is silently incomplete")
}

/// Refuses a restore that would fail when the old database is gone.
pub(super) fn refuse_restore(mysql: &Mysql, found: &Findings) -> Result<(), Unsupported> {
    refuse(mysql, found, "without which the restore would fail after the old database was dropped")
}

/// Says which statements give the rights.
fn refuse(mysql: &Mysql, found: &Findings, why: &str) -> Result<(), Unsupported> {
    let (lacking, has_roles) = found_lacking(found);
    if has_roles || lacking.is_empty() {
        return Ok(());
    }
    let rights: Vec<_> = lacking.iter().copied().filter(|right| *right != ROUTINES).collect();
    let routines = lacking.contains(&ROUTINES).then_some(match version::server(found) {
        Family::MariaDb => "GRANT SELECT ON mysql.proc",
        Family::MySql => "GRANT SHOW_ROUTINE ON *.*",
    });
    let on = match &mysql.scope {
        Scope::All { .. } => vec!["*".to_owned()],
        Scope::One(name) => vec![sql::ident(name)],
        Scope::Some(names) => names.iter().map(|name| sql::ident(name)).collect(),
    };
    let on = if rights.is_empty() { Vec::new() } else { on };
    let user = sql::ident(mysql.account.user());
    let databases = on.iter().map(|on| format!("GRANT {} ON {on}.*", rights.join(", ")));
    let grants = databases.chain(routines.map(str::to_owned));
    let grants = grants.map(|grant| format!("{grant} TO {user}@`HOST`; ")).collect::<String>();
    Err(Unsupported {
        what: format!("the user lacks {}, {why}", names(&lacking, found)),
        help: format!("{grants}docs/adapters/mysql.md lists what backups and restores need").into(),
    })
}
