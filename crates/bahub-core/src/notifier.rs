//! Telling people, and services that watch, what became of a run.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Operation;
use crate::fault::Fault;
use crate::observer::RunRecord;
use crate::sink::VersionNumber;

/// Sends notifications to one place: a chat, a phone, a service that watches.
///
/// ```
/// use async_trait::async_trait;
/// use bahub_core::notifier::{Notification, Notifier, NotifyError};
///
/// /// A bell that somebody hears.
/// #[derive(Debug)]
/// struct Bell;
///
/// #[async_trait]
/// impl Notifier for Bell {
///     async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
///         println!("\u{7} {}", notification.title);
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait Notifier: Debug + Send + Sync {
    /// Sends it once. The caller retries where the error is worth that, and drops this when it took too long.
    ///
    /// # Errors
    /// Why it was not delivered. No secret is in the message.
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError>;

    /// What it sends where the configuration does not say.
    fn default_occasions(&self) -> &'static [Occasion] {
        &[Occasion::Failure, Occasion::Warning, Occasion::Recovered, Occasion::Overdue]
    }
}

/// What is worth a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Occasion {
    /// A backup or a restore began.
    Start,
    /// Something was done, with warnings or without.
    Success,
    /// Something was done, and there is something to read.
    Warning,
    /// Something was not done, or not to its end; or could not even be begun.
    Failure,
    /// A backup was made again, after one that failed.
    Recovered,
    /// No backup was made for too long.
    Overdue,
    /// A version was restored for trial.
    Drill,
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Failure => "failure",
            Self::Recovered => "recovered",
            Self::Overdue => "overdue",
            Self::Drill => "drill",
        })
    }
}

/// One thing to tell. Serialised it is what the `webhook` and `exec` notifiers send; secrets are replaced.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Notification {
    /// Counts changes of this form that a reader has to know: 1.
    pub format: u32,
    /// What is worth it.
    pub occasion: Occasion,
    /// The backup's name; none where the configuration itself cannot be used.
    pub backup: Option<String>,
    /// What was done.
    pub operation: Operation,
    /// The run's id, 32 hexadecimal digits; empty where no run was begun.
    pub run: String,
    /// The name of the controller's host.
    pub host: String,
    /// When it happened.
    pub time: Timestamp,
    /// One line.
    pub title: String,
    /// What happened, since when, and what to do.
    pub body: String,
    /// The tags of the backup.
    pub tags: Vec<String>,
    /// What is known of earlier runs.
    pub past: Past,
    /// The finished run.
    pub record: Option<RunRecord>,
}

impl Notification {
    /// One about this, without text.
    pub fn new(occasion: Occasion, operation: Operation, host: impl Into<String>) -> Self {
        Self {
            format: 1,
            occasion,
            backup: None,
            operation,
            run: String::new(),
            host: host.into(),
            time: Timestamp::now(),
            title: String::new(),
            body: String::new(),
            tags: Vec::new(),
            past: Past::default(),
            record: None,
        }
    }

    /// Whether it is bad news.
    pub fn is_bad(&self) -> bool {
        match self.occasion {
            Occasion::Failure | Occasion::Overdue => true,
            Occasion::Drill => self.record.as_ref().is_some_and(|record| record.exit_code != 0),
            _ => false,
        }
    }
}

/// What is known of a backup's earlier runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Past {
    /// The newest version that a run made.
    pub last_good: Option<LastGood>,
    /// When the first of the failed backups was, since the last good one.
    pub failing_since: Option<Timestamp>,
    /// How many backups failed since the last good one.
    pub failures: u64,
}

/// A version that a run made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LastGood {
    /// Its number, where the run learned it.
    #[serde(serialize_with = "crate::report::by_name")]
    pub version: Option<VersionNumber>,
    /// When the run ended.
    pub time: Timestamp,
}

impl LastGood {
    /// This version, of then.
    pub fn new(version: Option<VersionNumber>, time: Timestamp) -> Self {
        Self { version, time }
    }
}

impl Past {
    /// No backup failed since this version.
    pub fn good(last_good: Option<LastGood>) -> Self {
        Self { last_good, ..Self::default() }
    }

    /// So many backups failed since then.
    #[must_use]
    pub fn failing(self, since: Timestamp, failures: u64) -> Self {
        Self { failing_since: Some(since), failures, ..self }
    }
}

/// Remembers earlier runs: a history.
pub trait Remember: Debug + Send + Sync {
    /// What is known of the runs of this backup before the run of this id.
    fn before(&self, backup: &str, run: &str) -> Past;

    /// Notes what became of a notification.
    fn notified(&self, notifier: &str, result: Result<(), &str>);
}

/// Why a notification was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotifyErrorKind {
    /// No answer, or one that says that it may work later.
    Temporary,
    /// The other side refuses it, and would again.
    Refused,
}

/// Why a notification was not delivered.
pub type NotifyError = Fault<NotifyErrorKind>;
