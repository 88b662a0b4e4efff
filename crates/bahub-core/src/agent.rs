//! The ports of an agent: serving a link inside the controller's process, and using sinks directly.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::link::{FromAgent, LinkEnd, ToAgent};
use crate::sink::{AgentSink, Sink, SinkError};

/// Serves a link inside this process: the code of the agent, for places on this very host.
pub trait LocalAgent: Debug + Send + Sync {
    /// Speaks the agent's side of the protocol over `link` until it ends; then every step that it started is dead and
    /// every upload that it began is committed or aborted.
    fn serve(&self, link: LinkEnd<FromAgent, ToAgent>) -> BoxFuture<'static, ()>;
}

/// A sink as an agent uses it: reached first, opened with granted credentials after.
#[async_trait]
pub trait DirectSink: Debug + Send + Sync {
    /// The kind that [`AgentSink::kind`] names.
    fn kind(&self) -> &'static str;

    /// Tries whether the endpoint answers, TLS verified, without any credential.
    ///
    /// # Errors
    /// Why it cannot be reached from here.
    async fn reach(&self, endpoint: &str) -> Result<(), SinkError>;

    /// Opens the sink with what was granted, and with nothing from its surroundings.
    ///
    /// # Errors
    /// If the grant makes no sense.
    fn open(&self, grant: &AgentSink) -> Result<Arc<dyn Sink>, SinkError>;
}
