//! The dump, restored by the client program: into new databases that take the names of the old ones at the end, into the old
//! ones, or beside them as a copy.

use bahub_core::adapter::Findings;
use bahub_core::replay::{Replay, ReplayTarget, RestoreTarget, SegmentReplay, Stored, Unsupported};
use bahub_core::step::{ByteString, Stdin, Step};

use super::capture::{DATA, OBJECTS};
use super::objects::Marks;
use super::scope::Scope;
use super::sql::TRAILER;
use super::swap::{Database, Swap};
use super::version::Versioned;
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
    record::fits(&mysql.scope, found, stored)?;
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
    let into = || client(mysql, Some(other));
    let replay = if record::is_apart(stored)? {
        let sequences = record::has_sequences(stored).then(|| sql::sequences_renamed(&original, other));
        let filled = rows(later_end(mysql, found, stored)?.into_iter().chain(sequences).collect(), into());
        let objects = copy::objects(&original, other, &Marks::stored(stored));
        Replay { segments: vec![data(filled), segment(OBJECTS, vec![objects, into()])], ..Replay::default() }
    } else {
        Replay { main: vec![copy::dump_of_others(), fed(mysql, Some(other))], ..Replay::default() }
    };
    let created = preflight::query(mysql, &format!("CREATE DATABASE {};", sql::ident(other)));
    let dropped = preflight::query(mysql, &census::dropped(&sql::among("schema_name", [other])));
    // A drill's is dropped by any run that finds it abandoned.
    let beside = census::run_of(other).map(|run| swap::held(mysql, run));
    Ok(Replay {
        before: vec![created],
        undo: vec![dropped],
        after: copy::isolated(mysql, &original, other),
        beside,
        ..replay
    })
}

fn to_original(mysql: &Mysql, target: &ReplayTarget, found: &Findings, stored: &Stored) -> Result<Replay, Unsupported> {
    rights::refuse_restore(mysql, found)?;
    refuse_referenced(mysql, found, stored)?;
    refuse_other_case(mysql, found)?;
    record::is_of(&mysql.scope, found, stored)?;
    let mut notices: Vec<_> = rights::unknown(found).into_iter().collect();
    if !record::is_apart(stored)? {
        return Ok(Replay { notices, ..legacy::replay(mysql, found, stored) });
    }
    let mismatch = record::server(stored).and_then(|recorded| version::mismatch(recorded, found));
    let users = users::restored_here(mysql, found, stored);
    if target.in_place {
        if let Some(mismatch) = mismatch {
            return Err(Unsupported {
                what: format!("{mismatch}, which may refuse it when the old data is gone"),
                help: "leave out that option, so that the version is loaded into new databases first".into(),
            });
        }
        return Ok(Replay { notices, ..in_place(mysql, found, stored, users)? });
    }
    notices.extend(mismatch.map(|mismatch| format!("{mismatch}: check that nothing is missing")));
    notices.extend(users::not_restored(mysql, found, stored));
    let present = preflight::present(found)?;
    let ignores_case = preflight::ignores_case(found);
    let run = swap::run_of(&target.run);
    let names = record::databases(stored);
    let databases = names.iter().enumerate();
    let databases: Vec<_> =
        databases.map(|(index, name)| Database::of(name, &present, ignores_case, &run, index)).collect();
    let swap = Swap { mysql, databases: &databases, run: &run };
    let mut segments = Vec::new();
    if !databases.is_empty() {
        let is_one = matches!(mysql.scope, Scope::One(_));
        let later_end = later_end(mysql, found, stored)?;
        let (filled, objects) = match (is_one, databases.first()) {
            (true, Some(one)) => (rows(later_end, client(mysql, Some(&one.filled))), Some(one.filled.as_str())),
            _ => (rows(later_end.into_iter().chain(swap.renamed()).collect(), client(mysql, None)), None),
        };
        segments.push(data(filled));
        let mut objects_of_all = swap.objects(is_one, &Marks::stored(stored));
        objects_of_all.push(client(mysql, objects));
        segments.push(segment(OBJECTS, objects_of_all));
    }
    segments.extend(users);
    Ok(Replay {
        before: vec![swap.created()],
        segments,
        undo: vec![swap.undone()],
        effect: (!databases.is_empty()).then(|| swap.effect()),
        beside: Some(swap.held()),
        failure_note: Some(AS_THEY_WERE.into()),
        notices,
        ..Replay::default()
    })
}

/// Into databases that are dropped first.
fn in_place(
    mysql: &Mysql,
    found: &Findings,
    stored: &Stored,
    users: Option<SegmentReplay>,
) -> Result<Replay, Unsupported> {
    let names = record::databases(stored);
    let of_one = matches!(mysql.scope, Scope::One(_)).then(|| names.first().map(String::as_str)).flatten();
    let segments = [
        data(rows(later_end(mysql, found, stored)?, client(mysql, of_one))),
        segment(OBJECTS, vec![swap::without_sandbox(), client(mysql, of_one)]),
    ];
    let segments = if names.is_empty() { Vec::new() } else { segments.into() };
    Ok(Replay {
        before: vec![preflight::query(mysql, &recreated(&names))],
        segments: segments.into_iter().chain(users).collect(),
        failure_note: Some(INCOMPLETE.into()),
        ..Replay::default()
    })
}

/// Anything created after the backup is dropped with its database. Foreign keys between these databases come back with them.
pub(super) fn recreated(names: &[String]) -> String {
    let statements = names.iter().map(|name| {
        let name = sql::ident(name);
        format!("DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}; ")
    });
    format!("SET foreign_key_checks = 0; {}", statements.collect::<String>())
}

pub(super) fn segment(name: &str, main: Vec<Step>) -> SegmentReplay {
    SegmentReplay { name: name.to_owned(), before: Vec::new(), main }
}

fn data(main: Vec<Step>) -> SegmentReplay {
    segment(DATA, main)
}

/// Programs that restore rows, through a filter if its script is not empty. The first line becomes a comment: it is one
/// already, or enables a mode that older client programs take for an error.
fn rows(script: Vec<String>, client: Step) -> Vec<Step> {
    let first = Stdin::Backup { prefix: ByteString::from("-- "), suffix: ByteString::from("") };
    if script.is_empty() { vec![client.stdin(first)] } else { vec![sql::sed(&script).stdin(first), client] }
}

/// A script that has the current rows of system-versioned tables end where they do on this server: else they would all be
/// history. Each row is a line.
fn later_end(mysql: &Mysql, found: &Findings, stored: &Stored) -> Result<Vec<String>, Unsupported> {
    if !record::server(stored).is_some_and(|server| version::ends_later(server, found)) {
        return Ok(Vec::new());
    }
    let (old, new) = ("'2038-01-19 03:14:07\\.999999'", "'2106-02-07 06:28:15.999999'");
    let is_one = matches!(mysql.scope, Scope::One(_));
    let mut script: Vec<_> =
        record::history(stored).first().filter(|_| !is_one).map(|_| "/^USE `/h".to_owned()).into_iter().collect();
    for (label, Versioned { database, name, end }) in record::history(stored).iter().enumerate() {
        if database.contains('\n') || name.contains('\n') {
            return Err(Unsupported {
                what: format!(
                    "the history of {database:?}.{name:?} ends at another time on this server, and its name has line feeds"
                ),
                help: "restore it on the release that made the version".into(),
            });
        }
        let insert = format!("INSERT INTO {} ", sql::pattern(&sql::ident(name)));
        let later = match end {
            0 => format!("s/,{old})\\([,;]\\)$/,{new})\\1/"),
            end => {
                let value = "[^,'()]*\\('\\([^'\\\\]\\|\\\\.\\)*'\\)*[^,'()]*,";
                let columns = "\\((\\(`[^`]*`\\|[^`)]\\)*) \\)\\{0,1\\}";
                format!(
                    "s/^\\(\\({insert}{columns}VALUES *\\)\\{{0,1\\}}(\\({value}\\)\\{{{}\\}}\\){old}/\\1{new}/",
                    end - 1
                )
            }
        };
        let in_database = match is_one {
            true => String::new(),
            false => format!("x\n/^USE {};$/!{{\nx\nbn{label}\n}}\nx\n", sql::pattern(&sql::ident(database))),
        };
        script
            .push(format!("/^{insert}/{{\n{in_database}:h{label}\n{later}\n/;$/!{{\nn\nbh{label}\n}}\n:n{label}\n}}"));
    }
    Ok(script)
}

/// The client, into this database, as a program that reads the backup. It stops at the first error.
pub(super) fn client(mysql: &Mysql, database: Option<&str>) -> Step {
    fed(mysql, database).reads_backup()
}

/// The same after a filter.
pub(super) fn fed(mysql: &Mysql, database: Option<&str>) -> Step {
    let client = mysql.account.client();
    match database {
        Some(name) => client.arg(format!("--database={name}")),
        None => client,
    }
}

/// Tables of other databases whose foreign keys refer to those that a restore replaces.
fn refuse_referenced(mysql: &Mysql, found: &Findings, stored: &Stored) -> Result<(), Unsupported> {
    let keys = preflight::listed(found, preflight::REFERENCED)?;
    let names = record::databases(stored);
    let is_replaced = |name: &String| match (&mysql.scope, names.is_empty()) {
        (_, false) => names.contains(name),
        (Scope::One(one), true) => one == name,
        (Scope::Some(some), true) => some.contains(name),
        // All that others refer to are.
        (Scope::All { exclude }, true) => !exclude.contains(name),
    };
    let keys = keys.chunks_exact(3).filter(|key| is_replaced(&key[0]) && !is_replaced(&key[1]));
    let keys: Vec<_> = keys.map(|key| key[2].clone()).collect();
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
    let names = preflight::listed(found, preflight::OTHER_CASE)?;
    if names.is_empty() || matches!(mysql.scope, Scope::All { .. }) {
        return Ok(());
    }
    Err(Unsupported {
        what: format!(
            "the server would also drop the events of {}: MariaDB does not distinguish databases whose names differ only in case there",
            names.join(", ")
        ),
        help: "{restore under another name}, or restore it on another server; or rename one of these databases".into(),
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
