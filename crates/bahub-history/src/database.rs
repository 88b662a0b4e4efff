//! The file: its form, its place, what is done with one that is broken.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{HistoryError, claims};

/// Counts the forms of the database; kept as its `user_version`.
const FORM: i64 = 1;
const FILE: &str = "history.db";
/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(10);
/// How long runs are kept.
const KEEP: Duration = Duration::from_secs(400 * 86_400);

const TABLES: &str = "
    CREATE TABLE runs (
        seq INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        backup TEXT NOT NULL,
        operation TEXT NOT NULL,
        started INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        exit_code INTEGER NOT NULL,
        version TEXT,
        plain_bytes INTEGER NOT NULL,
        stored_bytes INTEGER NOT NULL,
        downtime REAL,
        error TEXT,
        record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX runs_of_backup ON runs (backup, operation, seq);
    CREATE INDEX runs_by_end ON runs (ended);
    CREATE TABLE schedule (
        backup TEXT PRIMARY KEY,
        due INTEGER NOT NULL,
        running INTEGER NOT NULL,
        again INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE watched (
        backup TEXT PRIMARY KEY,
        since INTEGER NOT NULL,
        told INTEGER
    ) STRICT;
    CREATE TABLE notifiers (
        name TEXT PRIMARY KEY,
        delivered INTEGER,
        failing_since INTEGER,
        failures INTEGER NOT NULL,
        error TEXT
    ) STRICT;
";

/// Opens the database in this folder, or makes it. One that is damaged is moved aside.
pub(crate) fn open(folder: &Path) -> Result<Connection, HistoryError> {
    let file = folder.join(FILE);
    let failed = |error| HistoryError::Database { file: file.clone(), error };
    // It names paths, hosts and errors: nothing for other users of this host.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| HistoryError::Folder { folder: folder.to_owned(), error })?;
    let opened = connect(&file);
    match opened {
        Err(Refused::Sqlite(error)) if is_damaged(&error) => {
            // A service that has the file open would write on into what was moved.
            let Some(_lock) = claims::lock(folder).ok().flatten() else { return Err(failed(error)) };
            let aside = move_aside(&file).map_err(|error| HistoryError::Folder { folder: folder.to_owned(), error })?;
            tracing::warn!(
                "the history {} is damaged; it is now {}, and a new one is begun",
                file.display(),
                aside.display()
            );
            connect(&file).map_err(|refused| refused.at(&file))
        }
        opened => opened.map_err(|refused| refused.at(&file)),
    }
}

/// Opens a database that is there, to read it. `None` if there is none.
pub(crate) fn open_to_read(folder: &Path) -> Result<Option<Connection>, HistoryError> {
    let file = folder.join(FILE);
    let failed = |error| HistoryError::Database { file: file.clone(), error };
    match fs::metadata(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        _ => {}
    }
    let database = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    database.busy_timeout(BUSY).map_err(failed)?;
    let form: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    match form {
        FORM => Ok(Some(database)),
        form => Err(HistoryError::Form { file, form }),
    }
}

/// Why a file cannot be used.
enum Refused {
    Sqlite(rusqlite::Error),
    /// A later version of bahub made it.
    Form(i64),
}

impl Refused {
    fn at(self, file: &Path) -> HistoryError {
        let file = file.to_owned();
        match self {
            Self::Sqlite(error) => HistoryError::Database { file, error },
            Self::Form(form) => HistoryError::Form { file, form },
        }
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn connect(file: &Path) -> Result<Connection, Refused> {
    let mut database = Connection::open(file)?;
    // A file system without permissions holds a history as well.
    let _ = fs::set_permissions(file, Permissions::from_mode(0o600));
    database.busy_timeout(BUSY)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    // In WAL mode that loses no transaction to a crash of this program, and the last ones to a power cut at most.
    database.pragma_update(None, "synchronous", "NORMAL")?;
    let transaction = database.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let form: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match form {
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", FORM)?;
        }
        FORM => {}
        form => return Err(Refused::Form(form)),
    }
    forget(&transaction)?;
    transaction.commit()?;
    Ok(database)
}

/// Removes old runs, but of each backup the newest that made a version.
fn forget(database: &Connection) -> rusqlite::Result<()> {
    let before = Timestamp::now().as_millisecond() - i64::try_from(KEEP.as_millis()).unwrap_or(i64::MAX);
    let any: bool =
        database.query_row("SELECT EXISTS (SELECT 1 FROM runs WHERE ended < ?1)", [before], |row| row.get(0))?;
    if any {
        let newest = "SELECT max(seq) FROM runs WHERE operation IN ('backup', 'drill') AND outcome LIKE 'succeeded%' GROUP BY backup, operation";
        database.execute(&format!("DELETE FROM runs WHERE ended < ?1 AND seq NOT IN ({newest})"), [before])?;
    }
    Ok(())
}

fn is_damaged(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

fn move_aside(file: &Path) -> io::Result<PathBuf> {
    let aside = |suffix: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let damaged = aside(&format!(".damaged-{}", Timestamp::now().strftime("%Y%m%dT%H%M%SZ")));
    fs::rename(file, &damaged)?;
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(aside(suffix));
    }
    Ok(damaged)
}
