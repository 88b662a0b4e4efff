//! Writing runs down, and asking what was.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bahub_core::event::Event;
use bahub_core::notifier::{LastGood, Past, Remember};
use bahub_core::observer::{Observer, RunInfo, RunRecord};
use bahub_core::sink::VersionNumber;
use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use serde::Serialize;

use crate::database;
use crate::run::{COLUMNS, PastRun, moment};

/// What made a version.
const GOOD: &str = "outcome IN ('succeeded', 'succeeded_with_warnings')";
/// How many of the newest backups a trend is made of.
const TREND: u32 = 12;

/// Why the history cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// Its folder cannot be made or changed.
    #[error("cannot keep a history in {}: {error}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// SQLite refuses.
    #[error("cannot use the history {}: {error}", file.display())]
    Database {
        /// The file.
        file: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
    /// A later version of bahub made it.
    #[error("the history {} has form {form}, which this version does not know", file.display())]
    Form {
        /// The file.
        file: PathBuf,
        /// The number of its form.
        form: i64,
    },
}

/// Where the history of this user is: `/var/lib/bahub` for root, else `$XDG_STATE_HOME/bahub` or `~/.local/state/bahub`. `None`
/// where none of these is known.
pub fn default_folder(is_root: bool, variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // systemd's `StateDirectory=` (systemd.exec(5)).
    if let Some(folder) = variable("STATE_DIRECTORY") {
        return Some(folder);
    }
    if is_root {
        return Some(PathBuf::from("/var/lib/bahub"));
    }
    let state = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))?;
    Some(state.join("bahub"))
}

/// All runs of a controller; cheap to clone. Safe to use by several programs at once.
#[derive(Debug, Clone)]
pub struct History {
    folder: PathBuf,
    database: Arc<Mutex<Connection>>,
    trouble: Arc<Mutex<Option<String>>>,
}

/// Which runs are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunFilter {
    /// Only of these backups; all where this is empty.
    pub backups: Vec<String>,
    /// Only those that ended since then.
    pub since: Option<Timestamp>,
    /// Only those that did not end well.
    pub failed: bool,
    /// At most so many, the newest.
    pub limit: Option<u32>,
}

impl RunFilter {
    /// Only of these backups.
    pub fn of(backups: Vec<String>) -> Self {
        Self { backups, ..Self::default() }
    }

    /// Only those that ended since then.
    #[must_use]
    pub fn since(self, since: Option<Timestamp>) -> Self {
        Self { since, ..self }
    }

    /// Only those that did not end well.
    #[must_use]
    pub fn failed(self, failed: bool) -> Self {
        Self { failed, ..self }
    }

    /// At most so many, the newest.
    #[must_use]
    pub fn limit(self, limit: Option<u32>) -> Self {
        Self { limit, ..self }
    }
}

/// What is known of a backup.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BackupHistory {
    /// The newest run that made a version.
    pub last_good: Option<PastRun>,
    /// The newest backup, however it ended.
    pub last: Option<PastRun>,
    /// When the first of the failed backups was, since the last good one.
    pub failing_since: Option<Timestamp>,
    /// How many failed since.
    pub failures: u64,
    /// Bytes that the newest good versions store, the oldest first.
    pub sizes: Vec<u64>,
    /// The newest drill, however it ended.
    pub last_drill: Option<PastRun>,
    /// The newest drill that succeeded.
    pub last_good_drill: Option<PastRun>,
}

/// What is known of a notifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NotifierHistory {
    /// The name of its entry.
    pub name: String,
    /// When it last delivered something.
    pub delivered: Option<Timestamp>,
    /// Since when it delivers nothing.
    pub failing_since: Option<Timestamp>,
    /// How many notifications it did not deliver since.
    pub failures: u64,
    /// Why the last one was not delivered.
    pub error: Option<String>,
}

impl History {
    /// Opens the history in this folder, or begins one.
    ///
    /// # Errors
    /// If the folder cannot be written, or SQLite refuses.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, HistoryError> {
        let folder = folder.into();
        let database = database::open(&folder)?;
        Ok(Self::with(folder, database))
    }

    /// Opens the history in this folder to be read; `None` if there is none yet.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open_to_read(folder: impl Into<PathBuf>) -> Result<Option<Self>, HistoryError> {
        let folder = folder.into();
        let database = database::open_to_read(&folder)?;
        Ok(database.map(|database| Self::with(folder, database)))
    }

    fn with(folder: PathBuf, database: Connection) -> Self {
        Self { folder, database: Arc::new(Mutex::new(database)), trouble: Arc::default() }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What an engine hands its runs to.
    pub fn observer(&self) -> impl Observer + use<> {
        Writer(self.clone())
    }

    /// Why something could not be written, the last time that this was so.
    pub fn last_error(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes a run down.
    ///
    /// # Errors
    /// If SQLite refuses.
    pub fn record(&self, record: &RunRecord) -> Result<(), HistoryError> {
        let report = &record.report;
        let ended = record.ended.as_millisecond();
        let lasted = SignedDuration::try_from_secs_f64(report.seconds).unwrap_or_default();
        let started = record.ended.checked_sub(lasted).unwrap_or(record.ended).as_millisecond();
        let outcome = serde_json::to_value(report.outcome).ok().and_then(|outcome| Some(outcome.as_str()?.to_owned()));
        let row = params![
            report.run,
            report.backup,
            report.operation.to_string(),
            started,
            ended,
            outcome.unwrap_or_default(),
            record.exit_code,
            report.version.map(|version| version.to_string()),
            report.plain_bytes.cast_signed(),
            report.stored_bytes.cast_signed(),
            report.downtime_seconds,
            record.error.as_ref().map(|error| error.message.as_str()),
            serde_json::to_string(record).unwrap_or_default(),
        ];
        let insert =
            format!("INSERT INTO runs ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
        self.ask(|database| database.execute(&insert, row).map(drop))
    }

    /// The runs that are asked for, the newest first.
    ///
    /// # Errors
    /// If SQLite refuses.
    pub fn runs(&self, filter: &RunFilter) -> Result<Vec<PastRun>, HistoryError> {
        let mut conditions = vec!["1"];
        let mut values: Vec<Value> = Vec::new();
        let names = format!("backup IN ({})", vec!["?"; filter.backups.len()].join(", "));
        if !filter.backups.is_empty() {
            conditions.push(&names);
            values.extend(filter.backups.iter().cloned().map(Value::from));
        }
        if let Some(since) = filter.since {
            conditions.push("ended >= ?");
            values.push(since.as_millisecond().into());
        }
        let bad = format!("NOT {GOOD}");
        if filter.failed {
            conditions.push(&bad);
        }
        let limit = filter.limit.map_or(-1, i64::from);
        values.push(limit.into());
        let query = format!("SELECT {COLUMNS} FROM runs WHERE {} ORDER BY seq DESC LIMIT ?", conditions.join(" AND "));
        self.ask(|database| {
            let mut statement = database.prepare(&query)?;
            statement.query_map(params_from_iter(values), PastRun::of)?.collect()
        })
    }

    /// What is known of a backup.
    ///
    /// # Errors
    /// If SQLite refuses.
    pub fn of_backup(&self, backup: &str) -> Result<BackupHistory, HistoryError> {
        self.ask(|database| {
            let newest = |operation: &str, which: &str| {
                let query = format!(
                    "SELECT {COLUMNS} FROM runs WHERE backup = ?1 AND operation = ?2 AND {which} ORDER BY seq DESC LIMIT 1"
                );
                database.query_row(&query, [backup, operation], PastRun::of).optional()
            };
            let (_, failing_since, failures) = before(database, backup, "")?;
            let sizes = format!(
                "SELECT stored_bytes FROM runs WHERE backup = ?1 AND operation = 'backup' AND {GOOD} ORDER BY seq DESC LIMIT {TREND}"
            );
            let mut sizes: Vec<u64> = database
                .prepare(&sizes)?
                .query_map([backup], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))?
                .collect::<Result<_, _>>()?;
            sizes.reverse();
            Ok(BackupHistory {
                last_good: newest("backup", GOOD)?,
                last: newest("backup", "1")?,
                failing_since,
                failures,
                sizes,
                last_drill: newest("drill", "1")?,
                last_good_drill: newest("drill", GOOD)?,
            })
        })
    }

    /// What is known of notifiers, by their names.
    ///
    /// # Errors
    /// If SQLite refuses.
    pub fn notifiers(&self) -> Result<BTreeMap<String, NotifierHistory>, HistoryError> {
        self.ask(|database| {
            let mut statement =
                database.prepare("SELECT name, delivered, failing_since, failures, error FROM notifiers")?;
            let read = statement.query_map([], |row| {
                let name: String = row.get(0)?;
                let known = NotifierHistory {
                    name: name.clone(),
                    delivered: row.get::<_, Option<i64>>(1)?.map(moment),
                    failing_since: row.get::<_, Option<i64>>(2)?.map(moment),
                    failures: row.get::<_, i64>(3)?.cast_unsigned(),
                    error: row.get(4)?,
                };
                Ok((name, known))
            })?;
            read.collect()
        })
    }

    pub(crate) fn ask<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, HistoryError> {
        let database = self.lock();
        work(&database).map_err(|error| HistoryError::Database { file: self.folder.clone(), error })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What cannot be written is no reason to fail anything.
    fn noted(&self, written: Result<(), HistoryError>) {
        if let Err(error) = written {
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
    }
}

/// The last good backup but for this run, and since when and how often backups failed after it.
#[expect(clippy::type_complexity, reason = "three columns")]
fn before(
    database: &Connection,
    backup: &str,
    run: &str,
) -> rusqlite::Result<(Option<(i64, Option<String>, Timestamp)>, Option<Timestamp>, u64)> {
    let good = format!(
        "SELECT seq, version, ended FROM runs WHERE backup = ?1 AND operation = 'backup' AND run <> ?2 AND {GOOD} ORDER BY seq DESC LIMIT 1"
    );
    let good = database
        .query_row(&good, [backup, run], |row| Ok((row.get(0)?, row.get(1)?, moment(row.get(2)?))))
        .optional()?;
    let after = good.as_ref().map_or(0, |(seq, ..)| *seq);
    let failed = format!(
        "SELECT min(ended), count(*) FROM runs WHERE backup = ?1 AND operation = 'backup' AND run <> ?2 AND seq > ?3 AND NOT {GOOD}"
    );
    let (since, failures): (Option<i64>, i64) =
        database.query_row(&failed, params![backup, run, after], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((good, since.map(moment), failures.cast_unsigned()))
}

impl Remember for History {
    fn before(&self, backup: &str, run: &str) -> Past {
        let Ok((good, since, failures)) = self.ask(|database| before(database, backup, run)) else {
            return Past::default();
        };
        let number = |version: String| version.strip_prefix('v')?.parse().ok().map(VersionNumber);
        let past = Past::good(good.map(|(_, version, ended)| LastGood::new(version.and_then(number), ended)));
        match since {
            Some(since) => past.failing(since, failures),
            None => past,
        }
    }

    fn notified(&self, notifier: &str, result: Result<(), &str>) {
        let now = Timestamp::now().as_millisecond();
        let written = self.ask(|database| match result {
            Ok(()) => database.execute(
                "INSERT INTO notifiers (name, delivered, failures) VALUES (?1, ?2, 0)
                 ON CONFLICT (name) DO UPDATE SET delivered = ?2, failing_since = NULL, failures = 0, error = NULL",
                params![notifier, now],
            ),
            Err(error) => database.execute(
                "INSERT INTO notifiers (name, failing_since, failures, error) VALUES (?1, ?2, 1, ?3)
                 ON CONFLICT (name) DO UPDATE SET failing_since = coalesce(failing_since, ?2), failures = failures + 1, error = ?3",
                params![notifier, now, error],
            ),
        });
        self.noted(written.map(drop));
    }
}

struct Writer(History);

impl Observer for Writer {
    fn event(&mut self, _: &RunInfo, _: &Event) {}

    fn finished(&mut self, record: &RunRecord) {
        let written = self.0.record(record);
        self.0.noted(written);
    }

    fn not_started(&mut self, record: &RunRecord) {
        self.finished(record);
    }
}
