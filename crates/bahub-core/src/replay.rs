//! How a backup is put back.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::step::{Bytes, Step};

/// Where a restore goes, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReplayTarget {
    /// The place.
    pub place: Place,
    /// Only these members (paths of a filesystem backup, tables of a database); empty for everything. Paths need not be
    /// UTF-8.
    pub members: Vec<OsString>,
}

/// The place of a restore.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Place {
    /// Where the data came from.
    #[default]
    Original,
    /// A directory on the target.
    Directory(PathBuf),
    /// Another database.
    Database(String),
}

/// The programs of a restore: all of `before`, then `main`, then all of `after`; the first failure ends it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Replay {
    /// Run before the first byte of the backup is read for the second time.
    pub before: Vec<Step>,
    /// A pipeline whose first step reads the backup.
    pub main: Vec<Step>,
    /// Run after the backup was read to its proven end.
    pub after: Vec<Step>,
    /// Run, all of them, where the restore fails or is cancelled after `before` has succeeded; each has a minute.
    pub undo: Vec<Step>,
    /// What must stand in the last [`TRAILER_WITHIN`](crate::capture::TRAILER_WITHIN) bytes of the backup: without it the
    /// backup was cut before it was encrypted.
    pub trailer: Option<Bytes>,
}

impl Replay {
    /// Every step, in order, to change.
    pub fn steps_mut(&mut self) -> impl Iterator<Item = &mut Step> {
        self.before.iter_mut().chain(&mut self.main).chain(&mut self.after).chain(&mut self.undo)
    }

    /// Every step, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.before.iter().chain(&self.main).chain(&self.after).chain(&self.undo)
    }
}

/// A restore that this adapter cannot do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Unsupported {
    /// What cannot be done, naming the adapter.
    pub what: String,
    /// What can be done instead.
    pub help: String,
}
