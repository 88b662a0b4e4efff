//! What of a version is restored, and which restores are refused.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use bahub_core::adapter::Findings;
use bahub_core::replay::{ReplayTarget, RestoreTarget, Stored, Unsupported};

use super::super::form::{self, Database, Form, StoredRoles};
use super::super::release::Release;
use super::super::scope::{self, Scope};
use super::super::{PostgresDump, preflight};

pub(super) fn one_name(databases: &[Database]) -> Unsupported {
    let names: Vec<_> = databases.iter().map(|database| database.name.as_str()).collect();
    Unsupported {
        what: "the version contains several databases, but only one can be restored beside the originals".into(),
        help: format!("{{choose what is restored}}: one of {}", names.join(", ")).into(),
    }
}

pub(super) fn members_of_one(members: &[OsString]) -> Result<(), Unsupported> {
    match members.first() {
        Some(member) => Err(Unsupported {
            what: format!("the postgres_dump adapter cannot restore only {}", member.display()),
            help: "{restore under another name}, and copy what is needed from there".into(),
        }),
        None => Ok(()),
    }
}

/// Refuses a version that would replace a database that the spec does not name.
pub(super) fn named_by_the_spec(
    postgres: &PostgresDump,
    target: &ReplayTarget,
    databases: &[Database],
) -> Result<(), Unsupported> {
    let is_named = |database: &&Database| match &postgres.scope {
        Scope::One(name) => database.name == *name,
        Scope::Some(names) => names.contains(&database.name),
        Scope::All { exclude } => !exclude.contains(&database.name),
    };
    let is_whole = target.location == RestoreTarget::Original && target.members.is_empty();
    match databases.iter().find(|database| is_whole && !is_named(database)) {
        Some(database) => Err(Unsupported {
            what: format!("the version would replace the database {:?}, which the spec does not list", database.name),
            help: "{choose what is restored}, or restore it with a spec that lists all its databases".into(),
        }),
        None => Ok(()),
    }
}

/// The databases of these names; all of them without names.
pub(super) fn members_of_several(members: &[OsString], databases: Vec<Database>) -> Result<Vec<Database>, Unsupported> {
    let is = |member: &OsString, database: &Database| member.as_bytes() == database.name.as_bytes();
    let absent = |member: &&OsString| !databases.iter().any(|database| is(member, database));
    // Without a record the version was not inspected yet.
    if let Some(member) = members.iter().find(absent).filter(|_| !databases.is_empty()) {
        let names = databases.iter().map(|database| database.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Unsupported {
            what: format!("the version contains no database {}", member.display()),
            help: format!("it contains {names}").into(),
        });
    }
    let wanted = |database: &Database| members.is_empty() || members.iter().any(|member| is(member, database));
    Ok(databases.into_iter().filter(wanted).collect())
}

pub(super) fn free(name: &String) -> Result<&String, Unsupported> {
    match scope::objection(name) {
        Some(objection) => Err(Unsupported {
            what: format!("{name:?} is not a database name: {objection}"),
            help: "choose another name".into(),
        }),
        None => Ok(name),
    }
}

/// Where the roles of a version are, unless it is not known yet. Refuses one whose roles can only be overwritten.
pub(super) fn roles_of(target: &ReplayTarget, stored: &Stored) -> Result<StoredRoles, Unsupported> {
    match form::stored_roles(stored) {
        StoredRoles::First if !target.with_roles && !stored.record.is_empty() => Err(Unsupported {
            what: "the version was made by an earlier bahub: its roles can only be restored all at once, and before the data, \
                   which overwrites the passwords of those that exist"
                .into(),
            help: "{overwrite existing roles}; or restore with `globals: false` in the spec, without roles".into(),
        }),
        roles => Ok(roles),
    }
}

/// The first pg_restore that reads an archive of this minor format; each reads older ones (`K_VERS_1_15` and others in PostgreSQL's
/// source).
const ARCHIVES: [(u8, u32); 2] = [(15, 16), (16, 17)];

/// Refuses an archive that pg_restore there is too old for. Its format stands at its beginning: `PGDMP`, 1, 16.
pub(super) fn archive_readable(form: Form, found: &Findings, stored: &Stored) -> Result<(), Unsupported> {
    let program = found.get(preflight::PG_RESTORE).and_then(Release::parse);
    let (Form::Custom, Some(program), [b'P', b'G', b'D', b'M', b'P', 1, minor, ..]) =
        (form, program, stored.prefix.as_slice())
    else {
        return Ok(());
    };
    match ARCHIVES.iter().find(|(format, first)| format == minor && program.major < *first) {
        Some((_, first)) => Err(Unsupported {
            what: format!(
                "the version is an archive of the format 1.{minor}, which pg_restore {program} there cannot read"
            ),
            help: format!(
                "install the client programs of PostgreSQL {first} or later there: postgresql-client-{first}"
            )
            .into(),
        }),
        None => Ok(()),
    }
}
