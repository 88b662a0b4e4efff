//! What a run did, as values.

use serde::{Serialize, Serializer};

use crate::capture::MissingPart;
use crate::census::CensusUnits;
use crate::event::Operation;
use crate::instance::Identity;
use crate::sink::{Receipt, VersionNumber};
use crate::transport::Recovered;

/// What happened, in the end; the error, where there is one, stands beside it.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// What was done.
    pub operation: Operation,
    /// The backup's name.
    pub backup: String,
    /// The run's id.
    pub run: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Bytes of the data, before compression.
    pub plain_bytes: u64,
    /// Bytes of the message.
    pub stored_bytes: u64,
    /// The SHA-256 of the message in hexadecimal, where it was computed.
    pub sha256: Option<String>,
    /// The version that was made or read.
    #[serde(serialize_with = "by_name")]
    pub version: Option<VersionNumber>,
    /// Where the version is.
    pub location: Option<String>,
    /// Who spoke to the store.
    pub route: Option<RouteKind>,
    /// The instance that was read or written.
    pub instance: Option<Identity>,
    /// How many seconds the workload was down, where it was stopped.
    pub downtime_seconds: Option<f64>,
    /// Programs and their versions, as the probes found them.
    pub tools: std::collections::BTreeMap<String, String>,
    /// What of the configuration is accepted and not acted on.
    pub notices: Vec<String>,
    /// What did not stop the run and should be read.
    pub warnings: Vec<String>,
    /// What is missing in the version that was made or read.
    pub missing: Vec<MissingPart>,
    /// What `recover` mended.
    pub recovered: Vec<Recovered>,
    /// What a restore beside the original came to.
    pub drill: Option<Drill>,
    /// What became of the versions that were there, where the plan has a retention.
    #[cfg(feature = "retention")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruned: Option<Pruned>,
    /// What became of the hooks, in order.
    #[cfg(feature = "hooks")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<crate::hook::HookReport>,
    /// Seconds from start to end.
    pub seconds: f64,
}

/// What the retention made of each version.
#[cfg(feature = "retention")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Pruned {
    /// Whether this is only what would be done.
    pub dry_run: bool,
    /// What is kept, the newest first.
    pub kept: Vec<Kept>,
    /// What was removed, the oldest first.
    #[serde(serialize_with = "by_names")]
    pub removed: Vec<VersionNumber>,
    /// What the store did not remove: of an object lock, or for want of a right.
    pub retained: Vec<Retained>,
    /// Where messages and partial files of dead runs were, which no version names.
    pub leftovers: Vec<String>,
}

/// A version that is kept.
#[cfg(feature = "retention")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Kept {
    /// Which.
    #[serde(serialize_with = "named")]
    pub version: VersionNumber,
    /// Why, a phrase each.
    pub reasons: Vec<String>,
}

/// A version that was to be removed and is still there.
#[cfg(feature = "retention")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Retained {
    /// Which.
    #[serde(serialize_with = "named")]
    pub version: VersionNumber,
    /// What the store said.
    pub reason: String,
}

#[cfg(feature = "retention")]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn named<S: Serializer>(version: &VersionNumber, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(version)
}

#[cfg(feature = "retention")]
fn by_names<S: Serializer>(versions: &[VersionNumber], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(versions.iter().map(ToString::to_string))
}

pub(crate) fn by_name<S: Serializer>(version: &Option<VersionNumber>, serializer: S) -> Result<S::Ok, S::Error> {
    match version {
        Some(version) => serializer.collect_str(version),
        None => serializer.serialize_none(),
    }
}

/// Who spoke to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RouteKind {
    /// The agent, from where the data is.
    Direct,
    /// The controller, for the agent.
    Relayed,
}

/// What a restore beside the original came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Drill {
    /// How many things were counted in the copy, for example tables.
    pub things: usize,
    /// How many there are in all of them, for example rows.
    pub count: u64,
    /// What was counted.
    pub units: CensusUnits,
    /// Whether that was compared with what was counted at the capture: a version without counts cannot be.
    pub compared: bool,
    /// Seconds that the restore took, from its first program to its last.
    pub seconds: f64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything was done.
    Succeeded,
    /// Everything was done, and there is something to read.
    SucceededWithWarnings,
    /// A version was made without some parts of the data; [`Report::missing`] names them.
    Partial,
    /// It was not done; nothing became visible.
    #[default]
    Failed,
    /// It cannot be known whether the version was committed.
    Unknown,
    /// The user ended it; nothing became visible.
    Cancelled,
}

impl Report {
    /// Takes the place and size of a committed version in.
    pub fn committed(&mut self, receipt: &Receipt) {
        self.version = Some(receipt.version);
        self.location = Some(receipt.location.clone());
        self.stored_bytes = receipt.size;
        self.sha256 = receipt.sha256.clone().or(self.sha256.take());
    }

    /// States success, with or without warnings.
    pub fn succeeded(&mut self) {
        self.outcome = if self.warnings.is_empty() { Outcome::Succeeded } else { Outcome::SucceededWithWarnings };
    }
}
