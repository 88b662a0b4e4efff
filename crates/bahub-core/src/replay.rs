//! How a backup is put back.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::advice::Advice;
use crate::instance::Identity;
use crate::step::{ByteString, Step};

/// Where a restore goes, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReplayTarget {
    /// The place.
    pub location: RestoreTarget,
    /// Only these members (paths of a filesystem backup, tables of a database); empty for everything. Paths need not be
    /// UTF-8.
    pub members: Vec<OsString>,
    /// Change what is there, in place of a whole copy that takes its place at the end.
    pub in_place: bool,
    /// Keep what was there before, under another name.
    pub keep_old: bool,
    /// Give roles or users that exist the attributes and passwords of the backup. Without it only missing ones are made.
    pub with_roles: bool,
    /// The run's id, for names that no other run uses; the engine sets it.
    pub run: String,
}

impl ReplayTarget {
    /// This place, and everything.
    pub fn at(place: RestoreTarget) -> Self {
        Self { location: place, ..Self::default() }
    }
}

/// A place beside the original, to restore into and look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scratch {
    /// The place.
    pub location: RestoreTarget,
    /// What removes it again, whatever was restored there and whether anything was.
    pub removal: Step,
}

/// What is known of a stored version before it is put back; nothing, where it was not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// What the capture recorded: empty for streams that carry no facts, gzip and those of others.
    pub record: BTreeMap<String, String>,
    /// The first bytes of its content, at most [`MAX_PREFIX`].
    pub prefix: Vec<u8>,
    /// The instance that it was captured from, where it says so.
    pub instance: Option<Identity>,
    /// The names of the segments that are not whole in it: a restore leaves them out. An agent that meets one of them refuses it.
    pub missing: Vec<String>,
}

/// How many of the first bytes of a content are looked at.
pub const MAX_PREFIX: usize = 64;

/// The place of a restore.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RestoreTarget {
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
    /// In place of `main`, where the backup is of named segments that are restored each by itself: other segments are
    /// passed over.
    pub segments: Vec<SegmentReplay>,
    /// Pipelines that run, one after the other, after the backup was read to its proven end: each program reads what the one
    /// before it wrote.
    pub after: Vec<Vec<Step>>,
    /// Run, all of them, when the restore has taken effect. What fails here, or is left out because the run was cancelled, is a
    /// warning.
    pub cleanup: Vec<Step>,
    /// How to learn whether a restore has taken effect that failed or was cancelled after the backup was proven, and where there is
    /// an `after`, in that; `None` where such a restore has not.
    pub effect: Option<Effect>,
    /// Run, all of them, where the restore fails or is cancelled after `before` has succeeded and has not taken effect; each has a
    /// minute.
    pub undo: Vec<Step>,
    /// What the last [`TRAILER_WITHIN`](crate::capture::TRAILER_WITHIN) bytes of the backup must contain: without it the
    /// backup was cut before it was encrypted.
    pub trailer: Option<ByteString>,
    /// What is good to know when it is done, a sentence each.
    pub notices: Vec<String>,
    /// What a restore that breaks off leaves behind, for the end of its error message.
    pub failure_note: Option<String>,
    /// A program that runs beside all the others, from before the first until after the last and its undoing, and is
    /// killed then. That it ends earlier means nothing.
    pub beside: Option<Step>,
}

/// A question to the server whether a restore has taken effect, whose program may have died on the way back from a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Its first line of output is [`Effect::YES`] or [`Effect::NO`]; anything else means that it cannot be determined, and then
    /// nothing is undone. It has a minute, which a cancellation does not shorten.
    pub question: Step,
    /// Where everything may be in that case, and what to do.
    pub unclear: Advice,
}

impl Effect {
    /// The restore has taken effect.
    pub const YES: &str = "yes";
    /// It has not, and never will.
    pub const NO: &str = "no";
}

/// How a named segment is put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentReplay {
    /// Its name, as captured.
    pub name: String,
    /// Run before the first byte of the segment.
    pub before: Vec<Step>,
    /// A pipeline whose first step reads the segment. A step whose input has a suffix gets it, and its end, when the
    /// whole backup is proven; without one the input ends with the segment, and what the program does has to be of
    /// no consequence before [`Replay::after`].
    pub main: Vec<Step>,
}

impl Replay {
    /// Every step, to change.
    pub fn steps_mut(&mut self) -> impl Iterator<Item = &mut Step> {
        let Self {
            before,
            main,
            segments,
            after,
            cleanup,
            effect,
            undo,
            beside,
            trailer: _,
            notices: _,
            failure_note: _,
        } = self;
        let of_segments = segments.iter_mut().flat_map(|part| part.before.iter_mut().chain(&mut part.main));
        let asked = effect.iter_mut().map(|effect| &mut effect.question);
        before
            .iter_mut()
            .chain(main)
            .chain(of_segments)
            .chain(after.iter_mut().flatten())
            .chain(cleanup)
            .chain(asked)
            .chain(undo)
            .chain(beside)
    }

    /// Every step.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        let Self {
            before,
            main,
            segments,
            after,
            cleanup,
            effect,
            undo,
            beside,
            trailer: _,
            notices: _,
            failure_note: _,
        } = self;
        let of_segments = segments.iter().flat_map(|part| part.before.iter().chain(&part.main));
        let asked = effect.iter().map(|effect| &effect.question);
        before
            .iter()
            .chain(main)
            .chain(of_segments)
            .chain(after.iter().flatten())
            .chain(cleanup)
            .chain(asked)
            .chain(undo)
            .chain(beside)
    }
}

/// A restore that this adapter cannot do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Unsupported {
    /// What cannot be done, naming the adapter.
    pub what: String,
    /// What can be done instead.
    pub help: Advice,
}
