//! The sinks that an agent can use directly.

use std::collections::BTreeMap;
use std::sync::Arc;

use bahub_core::agent::DirectSink;

/// The sinks that an agent holds, by kind.
#[derive(Debug, Clone, Default)]
pub struct AgentSinks(BTreeMap<&'static str, Arc<dyn DirectSink>>);

impl AgentSinks {
    /// Takes these in.
    pub fn new(sinks: impl IntoIterator<Item = Arc<dyn DirectSink>>) -> Self {
        Self(sinks.into_iter().map(|sink| (sink.kind(), sink)).collect())
    }

    /// Those of the crate's features.
    pub(crate) fn of_this_build() -> Self {
        #[cfg(feature = "repository")]
        return Self::new(bahub_sinks::agent_sinks());
        #[cfg(not(feature = "repository"))]
        return Self::default();
    }

    /// The names of all of them.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.0.keys().map(|kind| (*kind).to_owned()).collect()
    }

    /// The one of this kind.
    pub(crate) fn get(&self, kind: &str) -> Option<&Arc<dyn DirectSink>> {
        self.0.get(kind)
    }
}
