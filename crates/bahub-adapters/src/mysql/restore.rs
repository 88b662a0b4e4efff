//! The dump, restored by the client program.

use bahub_core::adapter::Findings;
use bahub_core::replay::{Replay, ReplayTarget, RestoreTarget, SegmentReplay, Stored, Unsupported};
use bahub_core::step::{ByteString, Step};

use super::capture::DATABASES;
use super::scope::Scope;
use super::sql::TRAILER;
use super::{Mysql, census, preflight, record, sql, users};

/// How to restore one database of a dump of several.
const ONE_OF_SEVERAL: &str = "its SQL contains the names of its databases: restore all of it on another server, or {download the data} \
    and extract one from it; separate backups of each database, with `database`, can be restored under another name";

pub(super) fn replay(
    mysql: &Mysql,
    target: &ReplayTarget,
    found: &Findings,
    stored: &Stored,
) -> Result<Replay, Unsupported> {
    let is_one = matches!(mysql.scope, Scope::One(_));
    record::fits(&mysql.scope, stored)?;
    if let Some(member) = target.members.first() {
        let help =
            if is_one { "{restore under another name}, and copy what is needed from there" } else { ONE_OF_SEVERAL };
        return Err(Unsupported {
            what: format!("the mysql adapter cannot restore only {}", member.display()),
            help: help.into(),
        });
    }
    let (before, main, undo) = match (&mysql.scope, &target.location) {
        (_, RestoreTarget::Directory(directory)) => {
            return Err(Unsupported {
                what: format!("the mysql adapter cannot restore into the folder {}", directory.display()),
                help: if is_one {
                    "{restore under another name}, or {download the data}, which is SQL"
                } else {
                    "{download the data}, which is SQL"
                }
                .into(),
            });
        }
        (Scope::One(name), RestoreTarget::Original) => {
            (vec![made_anew(mysql, name)], client(mysql, Some(name)), Vec::new())
        }
        (Scope::One(_), RestoreTarget::Database(name)) => {
            census::runs_no_events(name, found)?;
            let dropped = preflight::query(mysql, &format!("DROP DATABASE {};", sql::ident(name)));
            (vec![made(mysql, name)?], client(mysql, Some(name)), vec![dropped])
        }
        (Scope::Some(_) | Scope::All { .. }, RestoreTarget::Original) => (Vec::new(), client(mysql, None), Vec::new()),
        (Scope::Some(_) | Scope::All { .. }, RestoreTarget::Database(name)) => {
            return Err(Unsupported {
                what: format!("a backup of several databases cannot be restored into the one database {name:?}"),
                help: ONE_OF_SEVERAL.into(),
            });
        }
    };
    let segments = match mysql.scope {
        Scope::One(_) => Vec::new(),
        Scope::Some(_) | Scope::All { .. } => segments(mysql, found, stored),
    };
    Ok(Replay {
        before,
        main: vec![main],
        segments,
        undo,
        trailer: Some(ByteString::from(TRAILER)),
        ..Replay::default()
    })
}

/// The parts of a version that records which it has. Users do not include the account that restores: its password stays.
fn segments(mysql: &Mysql, found: &Findings, stored: &Stored) -> Vec<SegmentReplay> {
    let [has_databases, has_users] = record::segments(stored);
    let segment = |name: &str, main| SegmentReplay { name: name.to_owned(), before: Vec::new(), main };
    let databases = has_databases.then(|| segment(DATABASES, vec![client(mysql, None)]));
    let users = (has_users && mysql.users).then(|| segment(users::NAME, users::given(mysql, found)));
    databases.into_iter().chain(users).collect()
}

pub(super) fn restore_warning(target: &ReplayTarget) -> Option<&'static str> {
    match target.location {
        RestoreTarget::Original => Some(
            "each database of the backup is dropped and recreated; data that is not in the backup is lost; if the restore \
             fails, the databases are left incomplete: MySQL and MariaDB cannot restore in one transaction",
        ),
        RestoreTarget::Directory(_) | RestoreTarget::Database(_) => None,
    }
}

pub(super) fn failure_note(target: &ReplayTarget) -> Option<&'static str> {
    (target.location == RestoreTarget::Original)
        .then_some("if the restore had started, the databases of the backup are now incomplete: restore again, or restore another version")
}

/// The client, into this database. It stops at the first error.
fn client(mysql: &Mysql, database: Option<&str>) -> Step {
    let client = mysql.account.client();
    match database {
        Some(name) => client.arg(format!("--database={name}")),
        None => client,
    }
    .reads_backup()
}

/// Anything created after the backup is dropped with the database.
fn made_anew(mysql: &Mysql, name: &str) -> Step {
    let name = sql::ident(name);
    preflight::query(mysql, &format!("DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name};"))
}

/// Never replaces an existing database.
fn made(mysql: &Mysql, name: &str) -> Result<Step, Unsupported> {
    if let Some(objection) = super::scope::objection(name) {
        return Err(Unsupported {
            what: format!("{name:?} is not a database name: {objection}"),
            help: "choose another name".into(),
        });
    }
    Ok(preflight::query(mysql, &format!("CREATE DATABASE {};", sql::ident(name))))
}
