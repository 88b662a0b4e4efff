//! Commands of a configuration that run before and after a backup.

use std::fmt;
#[cfg(feature = "engine")]
use std::sync::PoisonError;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A command before or after a backup, or before or after its capture alone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hook {
    /// When it runs.
    pub when: HookMoment,
    /// Before or after what.
    pub around: HookScope,
    /// On which host.
    pub location: HookLocation,
    /// The program and its arguments; no shell takes part.
    pub command: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// What its failure means.
    pub on_error: OnHookError,
}

impl Hook {
    /// How long a hook may take where nothing is said.
    pub const TIMEOUT: Duration = Duration::from_secs(300);

    /// A command that runs on the controller around the whole run; one that fails before it ends the run, later ones are warnings.
    pub fn new(when: HookMoment, command: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let on_error = if when == HookMoment::Before { OnHookError::Abort } else { OnHookError::Warn };
        let command = command.into_iter().map(Into::into).collect();
        let (around, location) = (HookScope::Run, HookLocation::Controller);
        Self { when, around, location, command, timeout: Self::TIMEOUT, on_error }
    }
}

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HookMoment {
    /// Before.
    Before,
    /// After success.
    AfterSuccess,
    /// After failure, a cancellation included.
    AfterFailure,
    /// At the end, whatever came of it.
    Finally,
}

impl fmt::Display for HookMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::AfterSuccess => "after_success",
            Self::AfterFailure => "after_failure",
            Self::Finally => "finally",
        })
    }
}

/// What a hook is before or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HookScope {
    /// The whole run: from before the target is opened to after the old versions were removed.
    #[default]
    Run,
    /// The reading of the data alone, while the workload is stopped, where it is.
    Capture,
}

/// On which host a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HookLocation {
    /// On this one.
    #[default]
    Controller,
    /// Where the data is: in the container, the pod, on the host.
    Data,
}

/// What it means that a hook fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnHookError {
    /// The run fails; only of hooks before it.
    Abort,
    /// A warning.
    Warn,
    /// Nothing; it stands in the report.
    Ignore,
}

/// What became of a hook.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HookReport {
    /// When it ran.
    pub when: HookMoment,
    /// Before or after what.
    pub around: HookScope,
    /// On which host.
    pub location: HookLocation,
    /// The program's name.
    pub program: String,
    /// The last lines of its standard output.
    pub output: Vec<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// Seconds from start to end.
    pub seconds: f64,
}

/// What became of the hooks of a run so far; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct HookLog(
    #[cfg_attr(not(feature = "engine"), expect(dead_code, reason = "the engine writes it"))]
    Arc<Mutex<Vec<HookReport>>>,
);

#[cfg(feature = "engine")]
impl HookLog {
    /// Adds one.
    pub(crate) fn push(&self, report: HookReport) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(report);
    }

    /// Takes all of them, in order.
    pub(crate) fn take(&self) -> Vec<HookReport> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
