//! The agent inside the controller's process.

use bahub_core::agent::LocalAgent;
use futures::future::BoxFuture;
use tokio::io::DuplexStream;

use crate::{AgentSinks, serve};

/// Serves links in this process, with the sinks that this build of the agent holds.
#[derive(Debug, Clone, Default)]
pub struct InProcess {
    sinks: AgentSinks,
}

impl InProcess {
    /// An agent that can use these sinks directly.
    pub fn new(sinks: AgentSinks) -> Self {
        Self { sinks }
    }
}

impl LocalAgent for InProcess {
    fn serve(&self, link: DuplexStream) -> BoxFuture<'static, ()> {
        let (reader, writer) = tokio::io::split(link);
        let sinks = self.sinks.clone();
        Box::pin(async move { serve(reader, writer, sinks).await })
    }
}
