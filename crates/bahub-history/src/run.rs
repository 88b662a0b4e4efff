//! A run, as it is remembered.

use jiff::Timestamp;
use rusqlite::Row;
use serde::Serialize;
use serde_json::Value;

/// A run, as it is remembered.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PastRun {
    /// The run's id.
    pub run: String,
    /// The backup's name; empty where the configuration as a whole could not be used.
    pub backup: String,
    /// What was done: `backup`, `restore`, `drill`, ...
    pub operation: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How it ended: `succeeded`, `succeeded_with_warnings`, `partial`, `failed`, `unknown`, `cancelled`.
    pub outcome: String,
    /// The exit code of a program that did this run alone.
    pub exit_code: u8,
    /// The version that was made or read, for example `v7`.
    pub version: Option<String>,
    /// Bytes of the data.
    pub plain_bytes: u64,
    /// Bytes of the message.
    pub stored_bytes: u64,
    /// How many seconds the workload was down, where it was stopped.
    pub downtime_seconds: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
    /// All of it: a `RunRecord`.
    pub record: Value,
}

/// The columns that [`PastRun::of`] reads.
pub(crate) const COLUMNS: &str = "run, backup, operation, started, ended, outcome, exit_code, version, plain_bytes, stored_bytes, downtime, error, record";

impl PastRun {
    /// Whether it made a version, or did what else it was asked for.
    pub fn is_good(&self) -> bool {
        matches!(self.outcome.as_str(), "succeeded" | "succeeded_with_warnings")
    }

    /// A run that ended then with this outcome, and of which nothing else is known: for tests of what shows it.
    #[must_use]
    pub fn example(ended: Timestamp, outcome: &str) -> Self {
        Self {
            run: "0".repeat(32),
            backup: "example".into(),
            operation: "backup".into(),
            started: ended,
            ended,
            outcome: outcome.into(),
            exit_code: 0,
            version: None,
            plain_bytes: 0,
            stored_bytes: 0,
            downtime_seconds: None,
            error: None,
            record: Value::Null,
        }
    }

    /// Seconds from start to end.
    pub fn seconds(&self) -> f64 {
        self.ended.duration_since(self.started).as_secs_f64()
    }

    pub(crate) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let record: String = row.get("record")?;
        Ok(Self {
            run: row.get("run")?,
            backup: row.get("backup")?,
            operation: row.get("operation")?,
            started: moment(row.get("started")?),
            ended: moment(row.get("ended")?),
            outcome: row.get("outcome")?,
            exit_code: row.get("exit_code")?,
            version: row.get("version")?,
            plain_bytes: row.get::<_, i64>("plain_bytes")?.cast_unsigned(),
            stored_bytes: row.get::<_, i64>("stored_bytes")?.cast_unsigned(),
            downtime_seconds: row.get("downtime")?,
            error: row.get("error")?,
            record: serde_json::from_str(&record).unwrap_or_default(),
        })
    }
}

/// Milliseconds since 1970, as they are kept.
pub(crate) fn moment(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}
