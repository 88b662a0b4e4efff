//! A session: a side pod that is created when needed, and a workload that it may scale down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::event::Event;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::run::{Downtime, RunContext};
use bahub_core::transport::{Exec, PlacedPath, Process, PutFile, Session, TransportError, TransportErrorKind};
use k8s_openapi::api::batch::v1::Job;
use tokio::sync::Mutex;

use super::super::client::Cluster;
use super::super::session::InPod;
use super::lease::{self, Held, Record};
use super::owner::Owner;
use super::pod;
use super::quiet::Quiet;
use super::scale::{Back, Scaling};
use super::undone;
use super::volumes::Mounts;
use super::witness::Witness;

/// How long a kubelet may take to kill the programs of a pod without a grace period. It learns of it within a second.
const KILLED: Duration = Duration::from_secs(5);
/// How long an optional change of a lease is tried.
const BRIEF: Duration = Duration::from_secs(10);

/// What a run in a side pod consists of.
pub(super) struct Side {
    pub(super) cluster: Cluster,
    pub(super) job: Job,
    pub(super) record: Record,
    pub(super) identity: Identity,
    pub(super) mounts: Mounts,
    /// Whether the side pod can write.
    pub(super) writable: bool,
    /// What is scaled down, if anything.
    pub(super) down: Option<Down>,
    /// Watches that the data stays quiet.
    pub(super) witness: Option<Witness>,
    /// The result of scaling back, once that was done.
    pub(super) back: Option<Back>,
    /// How long to wait for pods.
    pub(super) patience: Duration,
    pub(super) cx: RunContext,
    pub(super) pod: Option<Up>,
    /// Whether anything may have been created.
    pub(super) is_begun: bool,
    /// Held while something is being created or scaled down.
    pub(super) changing: Arc<Mutex<()>>,
    pub(super) closed: Arc<AtomicBool>,
}

/// What is scaled down, and how.
#[derive(Debug, Clone)]
pub(super) struct Down {
    pub(super) scaling: Scaling,
    pub(super) owner: Owner,
    pub(super) quiet: Quiet,
    /// How many there were when the run began.
    pub(super) replicas: i32,
    pub(super) wait_ready: Duration,
    /// Whether the side pod can run only when the original does not.
    pub(super) first: bool,
    /// Whether its pods have no grace period.
    pub(super) is_abrupt: bool,
    pub(super) is_done: bool,
}

/// A running side pod.
pub(super) struct Up {
    inside: InPod,
    _held: Held,
}

impl Side {
    fn namespace(&self) -> &str {
        self.job.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// The side pod; created at the first call.
    async fn inside(&mut self) -> Result<&mut InPod, TransportError> {
        let up = match self.pod.take() {
            Some(up) => up,
            None => self.start().await?,
        };
        Ok(&mut self.pod.insert(up).inside)
    }

    async fn start(&mut self) -> Result<Up, TransportError> {
        self.defer();
        self.is_begun = true;
        let (cluster, record, events) = (self.cluster.clone(), self.record.clone(), self.cx.events.clone());
        let namespace = self.namespace().to_owned();
        let held = self.whole(async move { Held::take(&cluster, &namespace, &record, &events).await }).await?;
        bahub_core::fault_point("pod.leased");
        if self.down.as_ref().is_some_and(|down| down.first) {
            self.scale_down().await?;
        }
        let (cluster, job) = (self.cluster.clone(), self.job.clone());
        self.whole(async move { pod::create(&cluster, &job).await }).await?;
        bahub_core::fault_point("pod.created");
        let container = pod::up(&self.cluster, &self.job, self.patience, &self.cx).await?;
        bahub_core::fault_point("pod.running");
        Ok(Up { inside: InPod::new(self.cluster.clone(), container, self.identity.clone())?, _held: held })
    }

    /// In case this session is dropped: undoing twice is harmless.
    fn defer(&self) {
        let (cluster, record, namespace) = (self.cluster.clone(), self.record.clone(), self.namespace().to_owned());
        let (down, changing, closed) = (self.down.clone(), Arc::clone(&self.changing), Arc::clone(&self.closed));
        let downtime = self.cx.downtime.clone();
        self.cx.undo.defer("remove the side pod and scale its workload back up", async move {
            if closed.load(Ordering::Acquire) {
                return Ok(());
            }
            let _changed = changing.lock().await;
            let undone = match bring_back(&cluster, &namespace, &record, down.as_ref(), &downtime).await {
                Ok(_) => lease::remove(&cluster, &namespace, &record.name).await,
                Err(error) => Err(error),
            };
            undone.map_err(|error| error.chain())
        });
    }

    /// A request that was sent cannot be cancelled: if this is dropped it still runs to its end, and undoing waits for that.
    async fn whole<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, TransportError>> + Send + 'static,
    ) -> Result<T, TransportError> {
        let changing = Arc::clone(&self.changing).lock_owned().await;
        let changed = tokio::spawn(async move {
            let changed = change.await;
            drop(changing);
            changed
        });
        changed.await.map_err(|error| {
            let message = format!("the side pod {} could not be created", self.record.name);
            TransportError::new(TransportErrorKind::Refused, message).with_source(error)
        })?
    }

    async fn scale_down(&mut self) -> Result<(), TransportError> {
        let Some(down) = self.down.as_mut().filter(|down| !down.is_done) else { return Ok(()) };
        let scaling = down.scaling.clone();
        // Checked again: the run may have waited long for its side pod.
        down.quiet.must_be_alone().await?;
        bahub_core::fault_point("pod.scaling");
        self.whole(async move { scaling.down().await }).await?;
        bahub_core::fault_point("pod.scaled");
        let Some(down) = &mut self.down else { return Ok(()) };
        down.scaling.gone(&down.owner, self.patience, &self.cx).await?;
        // Without a grace period a pod disappears from the cluster while its programs are still being killed.
        if down.is_abrupt {
            tokio::time::sleep(KILLED).await;
        }
        self.witness = Some(Witness::begin(&down.quiet, &down.scaling).await?);
        bahub_core::fault_point("pod.quiesced");
        down.is_done = true;
        Ok(())
    }
}

/// Ends the side pod's programs and scales the workload back. The lease, as the record of both, may be removed then.
async fn bring_back(
    cluster: &Cluster,
    namespace: &str,
    record: &Record,
    down: Option<&Down>,
    downtime: &Downtime,
) -> Result<Back, TransportError> {
    // The workload must not start while other programs still use its data.
    let removed = pod::remove(cluster, namespace, &record.name, &record.run).await;
    bahub_core::fault_point("pod.removed");
    let back = match down {
        Some(down) => down.scaling.up().await?,
        None => Back::Nothing,
    };
    downtime.end();
    bahub_core::fault_point("pod.scaled-back");
    removed.map(|()| back)
}

#[async_trait]
impl Session for Side {
    async fn identity(&mut self) -> Result<Identity, TransportError> {
        Ok(self.identity.clone())
    }

    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        Ok(paths.iter().map(|path| self.mounts.coverage(path, self.writable)).collect())
    }

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
        self.inside().await?;
        self.scale_down().await
    }

    async fn verify_quiesced(&mut self) -> Result<(), TransportError> {
        let Some(down) = self.down.as_ref().filter(|down| down.is_done) else { return Ok(()) };
        down.scaling.still_down(&down.owner).await?;
        let witness = self.witness.take().ok_or_else(|| {
            let message = format!("the pods of {} were not watched", down.owner.workload);
            TransportError::new(TransportErrorKind::NotOwn, message).with_help("try again")
        })?;
        self.witness = Some(witness.confirm(&down.scaling).await?);
        Ok(())
    }

    async fn resume(&mut self) -> Result<(), TransportError> {
        let Some(down) = self.down.clone().filter(|down| down.is_done && self.back.is_none()) else { return Ok(()) };
        self.witness = None;
        bahub_core::fault_point("pod.resuming");
        let scaling = down.scaling.clone();
        let back = self.whole(async move { scaling.up().await }).await.map_err(undone)?;
        self.back = Some(back.clone());
        bahub_core::fault_point("pod.scaled-back");
        if down.first {
            let message = "its pods start once the side pod has ended, because their claim is ReadWriteOncePod";
            self.cx
                .events
                .emit(Event::Notice { message: format!("{} is scaled back up; {message}", down.owner.workload) });
        } else {
            self.cx.downtime.end();
        }
        down.scaling.report(&back, &self.cx);
        // From now on it needs no recovery, and later changes are left alone. This is tried only briefly: the lease is removed
        // at the close, and until then its content still matches the workload.
        let (cluster, name) = (self.cluster.patient(BRIEF), &self.record.name);
        if let Err(error) = lease::give_back(&cluster, self.namespace(), name).await {
            self.cx.events.emit(Event::Notice { message: error.chain() });
        }
        bahub_core::fault_point("pod.resumed");
        Ok(())
    }

    async fn close(mut self: Box<Self>) -> Result<(), TransportError> {
        bahub_core::fault_point("pod.closing");
        self.witness = None;
        // The pod's content is removed with it; the lease is renewed until all is done.
        let pod = self.pod.take();
        if !self.is_begun {
            return Ok(());
        }
        if pod::is_overdue(&self.cluster, self.namespace(), &self.record.name).await {
            let message = "the side pod was ended because it reached `timeout`: raise it in the transport's spec";
            self.cx.warn(message);
        }
        let resumed = self.back.take();
        let back = {
            let _changed = self.changing.lock().await;
            let down = self.down.as_ref().filter(|_| resumed.is_none());
            bring_back(&self.cluster, self.namespace(), &self.record, down, &self.cx.downtime).await?
        };
        // Renewal stops before it is removed.
        drop(pod);
        lease::remove(&self.cluster, self.namespace(), &self.record.name).await?;
        self.closed.store(true, Ordering::Release);
        bahub_core::fault_point("pod.released");
        if let Some(down) = &self.down {
            down.scaling.report(&back, &self.cx);
            if let Back::Scaled(replicas) = resumed.unwrap_or(back)
                && let Some(message) = down.scaling.ready(replicas, down.wait_ready, &self.cx).await
            {
                self.cx.warn(message);
            }
        }
        Ok(())
    }
}
