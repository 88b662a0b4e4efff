//! Which times of a schedule were taken up, and who was told that a backup is overdue.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::Path;

use jiff::Timestamp;
use rusqlite::params;
use rustix::fs::{FlockOperation, flock};

use crate::run::moment;
use crate::{History, HistoryError};

const LOCK: &str = "service.lock";

/// Held by the one service that takes up the times of this history's schedules; a kernel lock, so that a crash leaves none behind.
#[derive(Debug)]
pub struct ServiceLock(#[expect(dead_code, reason = "it is locked as long as it is open")] File);

/// How far a backup's schedule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The last time at which it was due and that was taken up, or was before the schedule was first seen.
    pub due: Timestamp,
    /// Whether a run of that was begun and has not ended.
    pub is_running: bool,
    /// Whether that run came to nothing, so that the time is due again.
    pub is_due_again: bool,
}

impl Claim {
    /// A time that was taken up, and whose run is over.
    pub fn ended(due: Timestamp) -> Self {
        Self { due, is_running: false, is_due_again: false }
    }
}

impl History {
    /// Becomes the service of this history. `None` if another one is.
    ///
    /// # Errors
    /// If the lock's file cannot be used.
    pub fn lock_service(&self) -> Result<Option<ServiceLock>, HistoryError> {
        let failed = |error| HistoryError::Folder { folder: self.folder().to_owned(), error };
        let locked = lock(self.folder()).map_err(failed)?;
        Ok(locked.map(ServiceLock))
    }

    /// How far each schedule is, by the backup's name.
    ///
    /// # Errors
    /// If SQLite refuses.
    pub fn claims(&self) -> Result<BTreeMap<String, Claim>, HistoryError> {
        self.ask(|database| {
            let mut statement = database.prepare("SELECT backup, due, running, again FROM schedule")?;
            let claims = statement.query_map([], |row| {
                let claim = Claim { due: moment(row.get(1)?), is_running: row.get(2)?, is_due_again: row.get(3)? };
                Ok((row.get(0)?, claim))
            })?;
            claims.collect()
        })
    }

    /// Writes down how far a schedule is.
    ///
    /// # Errors
    /// If SQLite refuses.
    pub fn write_claim(&self, backup: &str, claim: Claim) -> Result<(), HistoryError> {
        let write = "INSERT INTO schedule (backup, due, running, again) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (backup) DO UPDATE SET due = ?2, running = ?3, again = ?4";
        let row = params![backup, claim.due.as_millisecond(), claim.is_running, claim.is_due_again];
        self.ask(|database| database.execute(write, row).map(drop))
    }

    /// Has every later claim refused, as by a disk that is full: for tests of what follows.
    ///
    /// # Errors
    /// If SQLite refuses that.
    #[doc(hidden)]
    pub fn refuse_claims(&self) -> Result<(), HistoryError> {
        let full =
            "CREATE TRIGGER full BEFORE UPDATE ON schedule BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END";
        self.ask(|database| database.execute_batch(full))
    }

    /// Since when this backup is looked at; from now on, where it was not.
    ///
    /// # Errors
    /// If SQLite refuses.
    pub fn watched_since(&self, backup: &str, now: Timestamp) -> Result<Timestamp, HistoryError> {
        let insert = "INSERT INTO watched (backup, since) VALUES (?1, ?2) ON CONFLICT (backup) DO NOTHING";
        self.ask(|database| {
            database.execute(insert, params![backup, now.as_millisecond()])?;
            let since =
                database.query_row("SELECT since FROM watched WHERE backup = ?1", [backup], |row| row.get(0))?;
            Ok(moment(since))
        })
    }

    /// When somebody was told last that this backup is overdue, since it was last not.
    ///
    /// # Errors
    /// If SQLite refuses.
    pub fn told_overdue(&self, backup: &str) -> Result<Option<Timestamp>, HistoryError> {
        let select = "SELECT max(told) FROM watched WHERE backup = ?1";
        let told: Option<i64> = self.ask(|database| database.query_row(select, [backup], |row| row.get(0)))?;
        Ok(told.map(moment))
    }

    /// Notes when somebody was told; `None` where the backup is not overdue any more.
    ///
    /// # Errors
    /// If SQLite refuses.
    pub fn note_overdue(&self, backup: &str, told: Option<Timestamp>) -> Result<(), HistoryError> {
        let note = "UPDATE watched SET told = ?2 WHERE backup = ?1";
        self.ask(|database| database.execute(note, params![backup, told.map(Timestamp::as_millisecond)]).map(drop))
    }
}

/// Locks the folder's service lock; `None` where somebody else has it.
pub(crate) fn lock(folder: &Path) -> std::io::Result<Option<File>> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
