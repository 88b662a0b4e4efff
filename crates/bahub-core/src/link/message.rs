//! The messages between the two sides.

use serde::{Deserialize, Serialize};

use crate::adapter::{Findings, StepFailure};
use crate::advice::Advice;
use crate::capture::Capture;
use crate::compression::Compression;
use crate::keys::{MessageFormat, Recipient, SessionKey};
use crate::replay::Replay;
use crate::secret::Secret;
use crate::sink::{Encoding, NewVersion, Receipt, SinkErrorKind, VersionNumber};
use crate::step::Step;

/// The version of the protocol; both sides must speak the same.
pub const PROTOCOL: u32 = 8;

/// From the controller to the agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ToAgent {
    /// Do this; one job at a time.
    Job(Box<Job>),
    /// The credentials for a direct route, after [`FromAgent::Reached`].
    Grant(#[serde(with = "crate::secret::in_job")] Secret),
    /// The workload is quiet: capture now, after [`FromAgent::Begun`].
    Go,
    /// Make the version visible, after [`FromAgent::Stored`]: from here on only the agent's own answer shows whether there
    /// is one. An agent that is lost before commits nothing.
    Commit,
    /// What unlocks the message of a [`Job::Read`].
    SessionKey(SessionKey),
    /// All data of a relayed read, or of a [`FromAgent::Feed`], was sent.
    DataEnd,
    /// Stop: kill every step, abort the upload, answer [`FromAgent::Failed`].
    Cancel,
    /// There will be no more jobs.
    Quit,
}

/// From the agent to the controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FromAgent {
    /// The first message of an agent.
    Hello(Hello),
    /// The endpoint of a direct route answered.
    Reached,
    /// The version of a [`Job::Capture`] was begun, and nothing was captured yet: the agent waits for [`ToAgent::Go`].
    Begun,
    /// The agent is at this segment of the capture, counted from 0: the controller sends its bytes in data frames, and
    /// [`ToAgent::DataEnd`] after the last.
    Feed {
        /// A segment whose source is a [`Source::Stream`](crate::capture::Source::Stream).
        segment: u32,
    },
    /// The last byte of the data was read, and every program that read it ended well; the rest is still being stored.
    Captured,
    /// Every byte of a direct route was stored: the agent waits for [`ToAgent::Commit`].
    Stored,
    /// Bytes moved so far.
    Progress {
        /// Bytes of the data.
        plain: u64,
        /// Bytes of the message.
        stored: u64,
    },
    /// A line that a program wrote on its standard error.
    Log {
        /// The program, or `agent`.
        source: String,
        /// The line.
        line: String,
    },
    /// The job is done: success, stated.
    Done(Box<Done>),
    /// The job failed, and everything it began was ended.
    Failed(Box<Failure>),
}

/// Who the agent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The protocol's version.
    pub protocol: u32,
    /// bahub's version.
    pub version: String,
    /// The sinks that the agent can use directly.
    pub sinks: Vec<String>,
}

/// Work for an agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Job {
    /// Run quick steps and report what they found.
    Probe(Vec<ProbeStep>),
    /// Run a step and return its output.
    Lines(ProbeStep),
    /// Capture, compress, encrypt, store.
    Capture(Box<CaptureJob>),
    /// Read a message, prove it, and deliver its content.
    Read(ReadJob),
}

/// A probe as it travels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProbeStep {
    /// What is run.
    pub step: Step,
    /// The name of its finding.
    pub finding: Option<String>,
    /// How long it may take, in seconds.
    pub limit: u64,
}

/// The way between an agent and a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Route {
    /// Ciphertext travels in data frames; the controller speaks to the store.
    Relayed,
    /// The agent speaks to the store.
    Direct {
        /// The implementation.
        kind: String,
        /// Where it is; tried before any credential is sent.
        endpoint: String,
    },
}

/// Capture, compress, encrypt, store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaptureJob {
    /// What is read.
    pub capture: Capture,
    /// How it is made smaller.
    pub compression: Compression,
    /// Who it is encrypted for.
    pub recipients: Vec<Recipient>,
    /// The packet format.
    pub format: MessageFormat,
    /// Armoured or binary.
    pub encoding: Encoding,
    /// Who speaks to the store.
    pub route: Route,
    /// What is known of the version.
    pub version: NewVersion,
    /// What the probes found of programs; it goes into the version's head.
    pub tools: Findings,
    /// What counts what is there, before and after; for the version's tail.
    pub census: Option<Step>,
}

/// Read a message, prove it, and deliver its content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadJob {
    /// Who speaks to the store.
    pub route: Route,
    /// The version, for a direct route.
    pub version: VersionNumber,
    /// The bytes that the message has, where known.
    pub size: Option<u64>,
    /// What the message must be.
    pub expected: Expected,
    /// Where the content goes.
    pub deliver: Deliver,
}

/// What a message must be; the SHA-256s are in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expected {
    /// A whole message, whichever.
    Any,
    /// A whole message, which has this SHA-256 according to the store.
    Stored(String),
    /// The message that a first pass has verified to its end, which had this SHA-256; nothing else is compared.
    Proven(String),
}

/// Where the content of a message goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Deliver {
    /// Nowhere: the message is decrypted to its end, and decompressed unless it is of bahub's own making, which is
    /// ended only when all that made it ended well.
    Prove,
    /// The same, but always decompressed: for the facts in it.
    ProveFacts,
    /// Nowhere: only its head and the first bytes of its content are read, and nothing is proven.
    Peek,
    /// Nowhere: the message is decrypted and decompressed to its end.
    Measure,
    /// Into the programs of a restore.
    Replay(Box<Replay>),
    /// Back to the controller, decompressed, in data frames. For an agent inside the controller's process only.
    Controller,
}

/// A job's success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Done {
    /// Every probe succeeded.
    Probed(Findings),
    /// The lines that a step put out.
    Lines(Vec<String>),
    /// The message was written to its end; for a direct route it is committed.
    Captured {
        /// Bytes of the data.
        plain: u64,
        /// Bytes of the message.
        stored: u64,
        /// The version, for a direct route.
        receipt: Option<Receipt>,
        /// Warnings for the user, a sentence each.
        warnings: Vec<String>,
        /// What failed in the parts that are missing in a partial version.
        missing: Vec<StepFailure>,
    },
    /// The message was read to its end, its integrity is proven, and its content was delivered.
    Read {
        /// Bytes of the data; 0 where it was not decompressed.
        plain: u64,
        /// Bytes of the message.
        stored: u64,
        /// The SHA-256 of the message in hexadecimal.
        sha256: String,
        /// The compression that was found; `None` where it was not looked at.
        compression: Option<String>,
        /// Facts that stood in the message, in JSON.
        facts: Vec<String>,
        /// The first bytes of the content, at most [`MAX_PREFIX`](crate::replay::MAX_PREFIX), of a proof and a peek.
        #[serde(with = "serde_bytes")]
        prefix: Vec<u8>,
        /// Its last bytes, at most [`TRAILER_WITHIN`](crate::capture::TRAILER_WITHIN), of a proof of what bahub did not make.
        suffix: Option<crate::step::ByteString>,
        /// Warnings for the user, a sentence each.
        warnings: Vec<String>,
    },
}

/// A job's failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind of thing went wrong.
    pub kind: FailureKind,
    /// What failed, on what.
    pub message: String,
    /// The way out, where one is known.
    pub help: Option<Advice>,
}

/// What kind of thing went wrong in a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// A program did not succeed.
    Step(Box<StepFailure>),
    /// The store.
    Sink(SinkErrorKind),
    /// The answer to a commit was lost.
    CommitUnknown,
    /// A restore broke off, and whether it has taken effect could not be determined.
    EffectUnknown,
    /// The message is damaged, cut, or another one than before.
    Integrity,
    /// The message cannot be written or read: keys, formats.
    Crypto,
    /// The controller asked to stop, or went away.
    Cancelled,
    /// The agent's host has no room, no memory file, no process.
    System,
    /// The two sides do not understand each other.
    Protocol,
}

impl Failure {
    /// A failure without a way out.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: None }
    }

    /// With the name of the part of the backup that a program failed in.
    #[must_use]
    pub fn in_part(self, name: Option<&str>) -> Self {
        match (self.kind, name) {
            (FailureKind::Step(step), Some(name)) => StepFailure { part: Some(name.to_owned()), ..*step }.into(),
            (kind, _) => Self { kind, ..self },
        }
    }

    /// The controller asked to stop.
    pub fn cancelled() -> Self {
        Self::new(FailureKind::Cancelled, "the run was cancelled")
    }
}

impl From<StepFailure> for Failure {
    fn from(step: StepFailure) -> Self {
        Self { message: step.to_string(), kind: FailureKind::Step(Box::new(step)), help: None }
    }
}

impl From<crate::sink::SinkError> for Failure {
    fn from(error: crate::sink::SinkError) -> Self {
        Self { kind: FailureKind::Sink(error.kind()), message: error.chain(), help: error.help().cloned() }
    }
}

impl From<crate::sink::CommitError> for Failure {
    fn from(error: crate::sink::CommitError) -> Self {
        match error {
            crate::sink::CommitError::Refused(error) => error.into(),
            crate::sink::CommitError::Unknown(error) => {
                Self { kind: FailureKind::CommitUnknown, message: error.chain(), help: error.help().cloned() }
            }
        }
    }
}
