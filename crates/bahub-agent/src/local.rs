//! The agent inside the controller's process.

use bahub_core::agent::LocalAgent;
use bahub_core::link::{FromAgent, LinkEnd, ToAgent};
use futures::future::BoxFuture;

use crate::AgentSinks;
use crate::serve::serve_link;
use crate::stream::Form;

/// Serves links in this process, with the sinks that this build of the agent holds.
#[derive(Debug, Clone, Default)]
pub struct InProcess {
    sinks: AgentSinks,
    form: Form,
}

impl InProcess {
    /// An agent that can use these sinks directly.
    pub fn new(sinks: AgentSinks) -> Self {
        Self { sinks, form: Form::Layered }
    }

    /// One that leaves every stream as it is.
    #[cfg(feature = "repository")]
    pub(crate) fn as_is(sinks: AgentSinks) -> Self {
        Self { sinks, form: Form::AsIs }
    }
}

impl LocalAgent for InProcess {
    fn serve(&self, link: LinkEnd<FromAgent, ToAgent>) -> BoxFuture<'static, ()> {
        Box::pin(serve_link(link, self.sinks.clone(), self.form))
    }
}
