//! The job of a backup, as the controller drives it: begun, quiesced, captured, resumed, stored, committed.

use super::dialogue::Capturing;
use super::outcome::{Broken, Captured, Stored};
use crate::engine::control::unless_cancelled;
use crate::engine::error::RunError;
use crate::engine::route;
use crate::engine::upload::Relay;
#[cfg(feature = "hooks")]
use crate::hook::HookScope;
use crate::link::CaptureJob;
use crate::sink::AgentSink;
use crate::transport::Locality;

impl Capturing<'_> {
    /// Begins the version, stops the workload, captures, starts the workload again, and commits.
    pub(in crate::engine) async fn run(
        mut self,
        mut job: CaptureJob,
        mut granted: Option<AgentSink>,
    ) -> Result<(), RunError> {
        let stored = match self.attempt(&job, granted.as_ref()).await {
            // From this very host the controller reaches no further.
            Err(Broken::OutOfReach(error))
                if self.plan.relay != Some(false) && self.agent.locality == Locality::Remote =>
            {
                self.run.warn(route::relayed_because(&error));
                (granted, job.route) = (None, route::route_of(None));
                self.attempt(&job, None).await
            }
            stored => stored,
        };
        let stored = stored.map_err(|(Broken::OutOfReach(error) | Broken::Failed(error))| error)?;
        self.run.report.route = Some(route::kind_of(granted.as_ref()));
        self.commit(stored).await
    }

    /// One route, up to where everything is stored. Where it fails, the agent's programs are dead when this returns, and the
    /// upload is left to the end of the run to abort: the workload comes first.
    async fn attempt(&mut self, job: &CaptureJob, granted: Option<&AgentSink>) -> Result<Stored, Broken> {
        let mut relay = match granted {
            Some(_) => None,
            None => {
                let upload = unless_cancelled(self.cx, self.plan.sink.begin(&job.version)).await?;
                Some(Relay::start(upload, self.agent.sender.clone(), self.cx))
            }
        };
        match self.drive(job, granted, relay.as_mut()).await {
            Ok(captured) => self.stored(captured, relay).await,
            Err(broken) => {
                if let Some(relay) = relay {
                    self.run.abandon(relay.stop().await);
                }
                Err(broken)
            }
        }
    }

    /// Reads the data while nothing changes it.
    async fn read(&mut self, relay: Option<&mut Relay>) -> Result<(), Broken> {
        self.go()?;
        self.pump(relay).await?;
        self.verify_quiesced().await
    }

    /// Runs the hooks around the reading, while the workload is stopped: those before it, or those after it.
    #[cfg(feature = "hooks")]
    async fn hooks(&mut self, is_good: Option<bool>) -> Result<(), Broken> {
        let (engine, plan, cx) = (self.engine, self.plan, self.cx);
        let ran = engine.hooks_at_target(is_good, HookScope::Capture, plan, cx, self.session).await;
        self.or_stopped(ran).await
    }

    #[cfg(feature = "hooks")]
    async fn read_between_hooks(&mut self, relay: Option<&mut Relay>) -> Result<(), Broken> {
        self.hooks(None).await?;
        let read = self.read(relay).await;
        self.hooks(Some(read.is_ok())).await?;
        read
    }

    /// The order of a capture, up to where everything has left the agent; returns what the agent states at its end, nothing yet
    /// where it waits to commit.
    async fn drive(
        &mut self,
        job: &CaptureJob,
        granted: Option<&AgentSink>,
        mut relay: Option<&mut Relay>,
    ) -> Result<Option<Captured>, Broken> {
        self.ask(job)?;
        if let Some(granted) = granted {
            self.reached(granted).await?;
        }
        self.begun().await?;
        self.quiesce().await?;
        #[cfg(feature = "hooks")]
        self.read_between_hooks(relay.as_deref_mut()).await?;
        #[cfg(not(feature = "hooks"))]
        self.read(relay.as_deref_mut()).await?;
        self.resume().await;
        self.drain(relay, granted.is_some()).await
    }
}
