//! The port to an agent that runs inside the controller's process.

use std::fmt::Debug;

use futures::future::BoxFuture;
use tokio::io::DuplexStream;

/// Serves a link inside this process: the code of the agent, for places on this very host.
pub trait LocalAgent: Debug + Send + Sync {
    /// Speaks the agent's side of the protocol over `link` until it ends; then every step that it started is dead and
    /// every upload that it began is committed or aborted.
    fn serve(&self, link: DuplexStream) -> BoxFuture<'static, ()>;
}
