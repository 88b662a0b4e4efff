//! Whether all is well with a backup: what its history and its configuration say together.

use std::time::Duration;

use bahub_history::{BackupHistory, NotifierHistory};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// How far a run may have ended in the future before the clock counts as wrong.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// What is to be said of a backup, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// The newest run failed.
    Failing,
    /// It cannot be said: its settings cannot be used.
    Unknown,
    /// The newest good version is dated in the future: the clock was, or is, wrong.
    Future,
    /// The newest good version is too old.
    Overdue,
    /// No good version is known.
    Never,
    /// All is well, but for warnings.
    Warnings,
    /// All is well.
    Ok,
}

/// A backup's status.
#[derive(Debug, Clone)]
pub(crate) struct BackupStatus {
    pub(crate) backup: String,
    pub(crate) state: State,
    /// How old the newest good version is.
    pub(crate) age: Option<Duration>,
    /// How old it may be.
    pub(crate) max_age: Option<Duration>,
    /// Why its settings cannot be used.
    pub(crate) error: Option<String>,
    /// When it is due next, where it has a schedule.
    pub(crate) next: Option<Timestamp>,
    pub(crate) past: BackupHistory,
}

impl BackupStatus {
    pub(crate) fn of(backup: &str, past: BackupHistory, max_age: Option<Duration>, now: Timestamp) -> Self {
        let good = past.last_good.as_ref();
        // A clock that was set back makes nothing old.
        let age = good.map(|run| Duration::try_from(now.duration_since(run.ended)).unwrap_or_default());
        let too_old = age.zip(max_age).is_some_and(|(age, max_age)| age > max_age);
        let state = match good {
            _ if past.failures > 0 => State::Failing,
            None => State::Never,
            Some(run) if run.ended.duration_since(now) > SKEW => State::Future,
            Some(_) if too_old => State::Overdue,
            Some(run) if run.outcome == "succeeded_with_warnings" => State::Warnings,
            Some(_) => State::Ok,
        };
        Self { backup: backup.to_owned(), state, age, max_age, error: None, next: None, past }
    }
}

/// The status of several backups, and of those who are told.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) backups: Vec<BackupStatus>,
    pub(crate) notifiers: Vec<NotifierHistory>,
    /// Why other notifiers cannot be used.
    pub(crate) unusable: Vec<String>,
}

impl Status {
    /// Problems first, then by name.
    pub(crate) fn new(mut backups: Vec<BackupStatus>, notifiers: Vec<NotifierHistory>, unusable: Vec<String>) -> Self {
        backups.sort_by(|a, b| a.state.cmp(&b.state).then_with(|| a.backup.cmp(&b.backup)));
        Self { backups, notifiers, unusable }
    }

    /// Whether every backup is as it should be.
    pub(crate) fn is_well(&self) -> bool {
        self.backups.iter().all(|backup| matches!(backup.state, State::Ok | State::Warnings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(ended: &str, outcome: &str, failures: u64) -> BackupHistory {
        let run = serde_json::json!({ "ended": ended, "outcome": outcome });
        let mut past = BackupHistory::default();
        past.last_good =
            Some(bahub_history::PastRun::example(ended.parse().unwrap(), run["outcome"].as_str().unwrap()));
        past.failures = failures;
        past
    }

    #[test]
    fn what_fails_comes_before_what_is_old_and_that_before_what_is_well() {
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let day = Some(Duration::from_secs(86_400));
        let of = |name: &str, past, max_age| BackupStatus::of(name, past, max_age, now);
        let status = Status::new(
            vec![
                of("fine", past("2026-11-28T03:00:00Z", "succeeded", 0), day),
                of("unlimited", past("2025-11-28T03:00:00Z", "succeeded", 0), None),
                of("warned", past("2026-11-28T03:00:00Z", "succeeded_with_warnings", 0), day),
                of("never", BackupHistory::default(), day),
                of("old", past("2026-11-27T11:59:00Z", "succeeded", 0), day),
                of("failing", past("2026-11-28T03:00:00Z", "succeeded", 1), day),
                of("future", past("2026-12-28T03:00:00Z", "succeeded", 0), day),
            ],
            Vec::new(),
            Vec::new(),
        );
        let names: Vec<_> = status.backups.iter().map(|backup| backup.backup.as_str()).collect();
        assert_eq!(names, ["failing", "future", "old", "never", "warned", "fine", "unlimited"]);
        assert!(!status.is_well());
    }
}
