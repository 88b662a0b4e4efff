//! An open place: a side pod that is made when it is needed, and a workload that it may scale down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::run::RunContext;
use bahub_core::transport::{Exec, PlacedPath, Process, PutFile, Session, TransportError, TransportErrorKind};
use k8s_openapi::api::batch::v1::Job;
use tokio::sync::Mutex;

use super::super::client::Cluster;
use super::super::session::InPod;
use super::lease::{self, Held, Record};
use super::owner::Owner;
use super::pod;
use super::scale::{Back, Scaling};

/// What a run in a side pod consists of.
pub(super) struct Side {
    pub(super) cluster: Cluster,
    pub(super) job: Job,
    pub(super) record: Record,
    /// What is scaled down, where something is.
    pub(super) down: Option<Down>,
    /// How long to wait for pods.
    pub(super) patience: Duration,
    pub(super) cx: RunContext,
    pub(super) pod: Option<Up>,
    /// Whether anything may have been made.
    pub(super) is_begun: bool,
    pub(super) closed: Arc<AtomicBool>,
}

/// What is scaled down, and how.
#[derive(Debug, Clone)]
pub(super) struct Down {
    pub(super) scaling: Scaling,
    pub(super) owner: Owner,
    pub(super) wait_ready: Duration,
    /// Whether the side pod can run only when the original does not.
    pub(super) first: bool,
    /// Held while the workload is being scaled down.
    pub(super) changing: Arc<Mutex<()>>,
    pub(super) is_done: bool,
}

/// A side pod that runs.
pub(super) struct Up {
    inside: InPod,
    _held: Held,
}

impl Side {
    fn namespace(&self) -> &str {
        self.job.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// The side pod; made at the first call.
    async fn inside(&mut self) -> Result<&mut InPod, TransportError> {
        if self.pod.is_none() {
            self.pod = Some(self.start().await?);
        }
        match &mut self.pod {
            Some(up) => Ok(&mut up.inside),
            None => Err(super::cancelled()),
        }
    }

    async fn start(&mut self) -> Result<Up, TransportError> {
        self.defer();
        self.is_begun = true;
        let held = Held::take(&self.cluster, self.namespace(), &self.record, &self.cx.events).await?;
        bahub_core::fault_point("pod.leased");
        if self.down.as_ref().is_some_and(|down| down.first) {
            self.scale_down().await?;
        }
        pod::create(&self.cluster, &self.job).await?;
        bahub_core::fault_point("pod.created");
        let place = pod::up(&self.cluster, &self.job, self.patience, &self.cx).await?;
        bahub_core::fault_point("pod.running");
        Ok(Up { inside: InPod::new(self.cluster.clone(), place)?, _held: held })
    }

    /// Should this session be dropped: undoing twice does no harm.
    fn defer(&self) {
        let (cluster, record, namespace) = (self.cluster.clone(), self.record.clone(), self.namespace().to_owned());
        let (down, closed) = (self.down.clone(), Arc::clone(&self.closed));
        self.cx.undo.defer("remove the side pod and scale back what it had scaled down", async move {
            if closed.load(Ordering::Acquire) {
                return Ok(());
            }
            let undone = undo(&cluster, &namespace, &record, down.as_ref()).await;
            undone.map(drop).map_err(|error| error.chain())
        });
    }

    async fn scale_down(&mut self) -> Result<(), TransportError> {
        let Some(down) = self.down.as_mut().filter(|down| !down.is_done) else { return Ok(()) };
        bahub_core::fault_point("pod.scaling");
        // A patch that is on its way cannot be called back: who drops this leaves it to its end, which undoing waits for.
        let (scaling, changing) = (down.scaling.clone(), Arc::clone(&down.changing).lock_owned().await);
        let changed = tokio::spawn(async move {
            let changed = scaling.down().await;
            drop(changing);
            changed
        });
        changed.await.map_err(|error| {
            let message = format!("{} could not be scaled down", down.scaling.workload);
            TransportError::new(TransportErrorKind::Refused, message).with_source(error)
        })??;
        bahub_core::fault_point("pod.scaled");
        down.scaling.gone(&down.owner, self.patience, &self.cx).await?;
        bahub_core::fault_point("pod.quiesced");
        down.is_done = true;
        Ok(())
    }
}

/// Ends the side pod's programs, brings the workload back, and then removes the record of both.
async fn undo(
    cluster: &Cluster,
    namespace: &str,
    record: &Record,
    down: Option<&Down>,
) -> Result<Back, TransportError> {
    // The workload must not start over what still works on its data.
    let removed = pod::remove(cluster, namespace, &record.name, &record.run).await;
    bahub_core::fault_point("pod.removed");
    let back = match down {
        Some(down) => {
            let _changed = down.changing.lock().await;
            down.scaling.up().await?
        }
        None => Back::Nothing,
    };
    bahub_core::fault_point("pod.scaled-back");
    removed?;
    lease::remove(cluster, namespace, &record.name).await?;
    Ok(back)
}

#[async_trait]
impl Session for Side {
    async fn machine(&mut self) -> Result<Option<String>, TransportError> {
        self.inside().await?.machine().await
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        let process = self.inside().await?.exec(command).await?;
        bahub_core::fault_point("pod.started");
        Ok(process)
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        let placed = self.inside().await?.put(file).await?;
        bahub_core::fault_point("pod.placed");
        Ok(placed)
    }

    async fn quiesce(&mut self) -> Result<(), TransportError> {
        self.scale_down().await
    }

    async fn close(mut self: Box<Self>) -> Result<(), TransportError> {
        bahub_core::fault_point("pod.closing");
        // What is in the pod goes with it; the lease is renewed until all is done.
        let pod = self.pod.take();
        if !self.is_begun {
            return Ok(());
        }
        if pod::is_overdue(&self.cluster, self.namespace(), &self.record.name).await {
            let message =
                "the cluster ended the side pod because its `timeout` has passed: raise it in the transport's spec";
            self.cx.warn(message);
        }
        let back = undo(&self.cluster, self.namespace(), &self.record, self.down.as_ref()).await?;
        drop(pod);
        self.closed.store(true, Ordering::Release);
        bahub_core::fault_point("pod.released");
        if let Some(down) = &self.down {
            down.scaling.tell(&back, &self.cx);
            if let Back::Scaled(replicas) = back
                && let Some(message) = down.scaling.ready(replicas, down.wait_ready, &self.cx).await
            {
                self.cx.warn(message);
            }
        }
        Ok(())
    }
}
