//! The dump, restored by the client program: into new databases that take the names of the old ones at the end, into the old
//! ones, or beside them as a copy.

use bahub_core::adapter::Findings;
use bahub_core::replay::{Replay, ReplayTarget, RestoreTarget, SegmentReplay, Stored, Unsupported};
use bahub_core::step::{ByteString, Stdin, Step};

use super::capture::{DATA, OBJECTS};
use super::scope::Scope;
use super::sql::TRAILER;
use super::swap::{Database, Swap};
use super::{Mysql, census, copy, legacy, preflight, record, rights, scope, sql, swap, users, version};

/// How to restore one database of a dump of several.
const ONE_OF_SEVERAL: &str = "its SQL contains the names of its databases: restore all of it on another server, or {download the data} \
    and extract one from it; separate backups of each database, with `database`, can be restored under another name";

/// What a restore that breaks off leaves: where new databases take the names of old ones, and where these were dropped first.
const AS_THEY_WERE: &str = "the databases are as they were";
pub(super) const INCOMPLETE: &str = "if the restore had started, the databases of the backup are now incomplete: restore again, or restore another version";

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
    let replay = match (&mysql.scope, &target.location) {
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
        (Scope::Some(_) | Scope::All { .. }, RestoreTarget::Database(name)) => {
            return Err(Unsupported {
                what: format!("a backup of several databases cannot be restored into the one database {name:?}"),
                help: ONE_OF_SEVERAL.into(),
            });
        }
        (Scope::One(name), RestoreTarget::Database(other)) => into_other(mysql, name, other, found, stored)?,
        (_, RestoreTarget::Original) => to_original(mysql, target, found, stored)?,
    };
    Ok(Replay { trailer: Some(ByteString::from(TRAILER)), ..replay })
}

fn into_other(
    mysql: &Mysql,
    name: &str,
    other: &str,
    found: &Findings,
    stored: &Stored,
) -> Result<Replay, Unsupported> {
    if let Some(objection) = scope::objection(other) {
        return Err(Unsupported {
            what: format!("{other:?} is not a database name: {objection}"),
            help: "choose another name".into(),
        });
    }
    let original = record::databases(stored).into_iter().next().unwrap_or_else(|| name.to_owned());
    let replay = if record::is_apart(stored) {
        let sequences = if record::has_sequences(stored) { copy::sequences(&original, other) } else { String::new() };
        let filled = rows(sequences + later_end(found, stored), client(mysql, Some(other)));
        Replay {
            segments: vec![
                data(filled),
                segment(OBJECTS, vec![copy::objects(&original, other), client(mysql, Some(other))]),
            ],
            after: copy::isolated(mysql, &original, other),
            ..Replay::default()
        }
    } else {
        census::runs_no_events(other, found)?;
        Replay { main: vec![copy::without_qualified_triggers(), client(mysql, Some(other))], ..Replay::default() }
    };
    let created = preflight::query(mysql, &format!("CREATE DATABASE {};", sql::ident(other)));
    let dropped = preflight::query(mysql, &census::dropped(&format!("schema_name = {}", sql::text(other))));
    Ok(Replay { before: vec![created], undo: vec![dropped], ..replay })
}

fn to_original(mysql: &Mysql, target: &ReplayTarget, found: &Findings, stored: &Stored) -> Result<Replay, Unsupported> {
    rights::refuse_restore(mysql, found)?;
    refuse_referenced(found)?;
    refuse_other_case(mysql, found)?;
    if !record::is_apart(stored) {
        return Ok(legacy::replay(mysql, stored));
    }
    let mismatch = record::server(stored).and_then(|recorded| version::mismatch(recorded, found));
    if target.in_place {
        if let Some(mismatch) = mismatch {
            return Err(Unsupported {
                what: format!("{mismatch}, which may refuse it when the old data is gone"),
                help: "leave out that option, so that the version is loaded into new databases first".into(),
            });
        }
        return Ok(in_place(mysql, found, stored));
    }
    let present = preflight::present(found);
    let run = swap::run_of(&target.run);
    let names = record::databases(stored);
    let databases: Vec<_> =
        names.iter().enumerate().map(|(index, name)| Database::of(name, &present, &run, index)).collect();
    let swap = Swap { mysql, databases: &databases, run: &run };
    let mut segments = Vec::new();
    if !databases.is_empty() {
        let is_one = matches!(mysql.scope, Scope::One(_));
        let (filled, objects) = match (is_one, databases.first()) {
            (true, Some(one)) => {
                (rows(later_end(found, stored).to_owned(), client(mysql, Some(&one.filled))), Some(one.filled.as_str()))
            }
            _ => (rows(swap.renamed() + later_end(found, stored), client(mysql, None)), None),
        };
        segments.push(data(filled));
        segments.push(segment(OBJECTS, vec![swap.objects(is_one), client(mysql, objects)]));
    }
    segments.extend(with_users(mysql, stored));
    Ok(Replay {
        before: vec![swap.created()],
        segments,
        undo: vec![swap.undone()],
        effect: (!databases.is_empty()).then(|| swap.effect()),
        beside: Some(swap.held()),
        failure_note: Some(AS_THEY_WERE.into()),
        notices: mismatch.into_iter().map(|mismatch| format!("{mismatch}: check that nothing is missing")).collect(),
        ..Replay::default()
    })
}

/// Into databases that are dropped first.
fn in_place(mysql: &Mysql, found: &Findings, stored: &Stored) -> Replay {
    let names = record::databases(stored);
    let of_one = matches!(mysql.scope, Scope::One(_)).then(|| names.first().map(String::as_str)).flatten();
    let segments = [
        data(rows(later_end(found, stored).to_owned(), client(mysql, of_one))),
        segment(OBJECTS, vec![swap::without_sandbox(), client(mysql, of_one)]),
    ];
    let segments = if names.is_empty() { Vec::new() } else { segments.into() };
    Replay {
        before: vec![preflight::query(mysql, &recreated(&names))],
        segments: segments.into_iter().chain(with_users(mysql, stored)).collect(),
        failure_note: Some(INCOMPLETE.into()),
        ..Replay::default()
    }
}

/// Anything created after the backup is dropped with its database.
pub(super) fn recreated(names: &[String]) -> String {
    let statements = names.iter().map(|name| {
        let name = sql::ident(name);
        format!("DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}; ")
    });
    statements.collect()
}

/// Users come last, after the version was proven and its databases are there. They do not include the account that restores:
/// its password stays.
pub(super) fn with_users(mysql: &Mysql, stored: &Stored) -> Option<SegmentReplay> {
    (record::has_users(stored) && mysql.users).then(|| segment(users::NAME, users::restored(mysql)))
}

pub(super) fn segment(name: &str, main: Vec<Step>) -> SegmentReplay {
    SegmentReplay { name: name.to_owned(), before: Vec::new(), main }
}

fn data(main: Vec<Step>) -> SegmentReplay {
    segment(DATA, main)
}

/// Programs that restore rows, through a filter if its script is not empty. The first line becomes a comment: it is one
/// already, or enables a mode that older client programs take for an error.
fn rows(script: String, client: Step) -> Vec<Step> {
    let first = Stdin::Backup { prefix: ByteString::from("-- "), suffix: ByteString::from("") };
    if script.is_empty() { vec![client.stdin(first)] } else { vec![sql::sed(&script).stdin(first), client] }
}

/// A script that has the current rows of system-versioned tables end where they do on this server: else they would all be
/// history. In such rows the end is the last value, and no quoted text contains it like this.
fn later_end(found: &Findings, stored: &Stored) -> &'static str {
    let is_needed =
        record::has_history(stored) && record::server(stored).is_some_and(|server| version::ends_later(server, found));
    if is_needed {
        "/^INSERT INTO .* row_start, row_end) VALUES/,/;$/s/,'2038-01-19 03:14:07\\.999999')/,'2106-02-07 06:28:15.999999')/g\n"
    } else {
        ""
    }
}

/// The client, into this database. It stops at the first error.
pub(super) fn client(mysql: &Mysql, database: Option<&str>) -> Step {
    let client = mysql.account.client();
    match database {
        Some(name) => client.arg(format!("--database={name}")),
        None => client,
    }
    .reads_backup()
}

/// Tables of other databases whose foreign keys refer to those that a restore replaces.
fn refuse_referenced(found: &Findings) -> Result<(), Unsupported> {
    let keys = found.get(preflight::REFERENCED).and_then(crate::list::parse).unwrap_or_default();
    if keys.is_empty() {
        return Ok(());
    }
    Err(Unsupported {
        what: format!("foreign keys of other databases refer to tables that would be replaced: {}", keys.join(", ")),
        help: "drop these keys first (ALTER TABLE ... DROP FOREIGN KEY) and add them again afterwards; or back up and restore \
               these databases together, with `databases`"
            .into(),
    })
}

/// MariaDB drops the events of `shop` with the database `Shop`.
fn refuse_other_case(mysql: &Mysql, found: &Findings) -> Result<(), Unsupported> {
    let names = found.get(preflight::OTHER_CASE).and_then(crate::list::parse).unwrap_or_default();
    if names.is_empty() || matches!(mysql.scope, Scope::All { .. }) {
        return Ok(());
    }
    Err(Unsupported {
        what: format!(
            "the server would also drop the events of {}: MariaDB does not distinguish databases whose names differ only in case there",
            names.join(", ")
        ),
        help: "restore it with {restore under another name}, or on another server; or rename one of these databases"
            .into(),
    })
}

pub(super) fn restore_warning(target: &ReplayTarget) -> Option<&'static str> {
    match (&target.location, target.in_place) {
        (RestoreTarget::Original, false) => Some(
            "new databases are filled first and then take the names of the old ones, which are dropped (those of a version of the \
             original bahub are dropped first); data that is not in the backup is lost",
        ),
        (RestoreTarget::Original, true) => Some(
            "each database of the backup is dropped and recreated; data that is not in the backup is lost; if the restore \
             fails, the databases are left incomplete",
        ),
        (RestoreTarget::Directory(_) | RestoreTarget::Database(_), _) => None,
    }
}
