//! Whether rows are counted for drills.

use schemars::JsonSchema;
use serde::Deserialize;

/// Whether rows are counted before and after a dump: `on` or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Counts {
    /// As a word.
    Word(OnOff),
    /// As a boolean, as YAML 1.1 reads that word.
    Flag(bool),
}

/// `on` or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnOff {
    /// Yes.
    On,
    /// No.
    Off,
}

impl Default for Counts {
    fn default() -> Self {
        Self::Word(OnOff::On)
    }
}

impl Counts {
    /// True where they are.
    pub(crate) fn is_on(self) -> bool {
        matches!(self, Self::Word(OnOff::On) | Self::Flag(true))
    }
}
