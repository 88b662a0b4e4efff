//! Waiting for pods: until those of a workload scaled to 0 are gone, and until those of one scaled back are ready.

use std::time::Duration;

use bahub_core::run::RunContext;
use bahub_core::transport::{TransportError, TransportErrorKind};
use k8s_openapi::api::autoscaling::v1::Scale;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use tokio::time::{Instant, sleep};

use super::super::state;
use super::cancelled;
use super::owner::{Belonging, Owner};
use super::scale::{Scaling, replicas};

/// How often pods are polled.
const LOOK: Duration = Duration::from_millis(500);

impl Scaling {
    /// Waits until all pods of the workload are gone.
    ///
    /// # Errors
    /// [`TransportErrorKind::NotOwn`] if it is scaled up meanwhile; [`TransportErrorKind::Unreachable`] if a pod remains
    /// after `patience`.
    pub(super) async fn gone(&self, owner: &Owner, patience: Duration, cx: &RunContext) -> Result<(), TransportError> {
        let until = Instant::now() + patience;
        let mut belonging = Belonging::new(&self.cluster, &self.workload);
        loop {
            let scale = self.scale().await?;
            self.must_be_down(&scale, owner)?;
            let mut left = None;
            for pod in self.pods(&scale).await? {
                if !state::has_ended(&pod) && belonging.has(&pod).await? {
                    left = Some(pod);
                    break;
                }
            }
            let Some(pod) = left else { return Ok(()) };
            if Instant::now() > until {
                return Err(self.stays(&pod, patience));
            }
            tokio::select! {
                () = sleep(LOOK) => {}
                () = cx.cancel.cancelled() => return Err(cancelled()),
            }
        }
    }

    /// # Errors
    /// [`TransportErrorKind::NotOwn`] if it was scaled up.
    pub(super) async fn still_down(&self, owner: &Owner) -> Result<(), TransportError> {
        self.must_be_down(&self.scale().await?, owner)
    }

    fn must_be_down(&self, scale: &Scale, owner: &Owner) -> Result<(), TransportError> {
        let replicas = replicas(scale);
        if replicas == 0 {
            return Ok(());
        }
        let why = match &owner.above {
            Some(above) => format!("it was scaled to {replicas} during the run, perhaps by its owner {above}"),
            None => format!("it was scaled to {replicas} during the run"),
        };
        let message = format!("{} does not stay at 0: {why}", self.workload);
        Err(TransportError::new(TransportErrorKind::NotOwn, message)
            .with_help("pause what scales it (an operator, an autoscaler), or remove `scaleDown`"))
    }

    fn stays(&self, pod: &Pod, patience: Duration) -> TransportError {
        let (name, namespace) = (state::name(pod), &self.workload.namespace);
        let message =
            format!("{} is scaled to 0, but its pod {name} still exists after {} s", self.workload, patience.as_secs());
        TransportError::new(TransportErrorKind::Unreachable, message)
            .with_help(self.cluster.kubectl(namespace, &format!("describe pod {name}")))
    }

    /// Waits until as many pods as before are ready. Returns a message if they do not become ready.
    pub(super) async fn ready(&self, wanted: i32, patience: Duration, cx: &RunContext) -> Option<String> {
        let until = Instant::now() + patience;
        let mut ready = 0;
        loop {
            if let Ok(scale) = self.scale().await
                && let Ok(pods) = self.pods(&scale).await
            {
                ready = pods.iter().filter(|pod| state::is_ready(pod)).count();
                if i32::try_from(ready).is_ok_and(|ready| ready >= wanted) {
                    return None;
                }
            }
            // A cancelled run does not wait for pods that become ready by themselves.
            if Instant::now() > until || cx.cancel.is_cancelled() {
                break;
            }
            tokio::select! {
                () = sleep(LOOK) => {}
                () = cx.cancel.cancelled() => {}
            }
        }
        let message = format!("{} is scaled back to {wanted}, but only {ready} are ready", self.workload);
        (!cx.cancel.is_cancelled()).then(|| format!("{message} after {} s", patience.as_secs()))
    }

    async fn pods(&self, scale: &Scale) -> Result<Vec<Pod>, TransportError> {
        let namespace = &self.workload.namespace;
        let selector = scale.status.as_ref().and_then(|status| status.selector.as_deref()).unwrap_or_default();
        if selector.is_empty() {
            let help = "its custom resource definition must set labelSelectorPath, so that its pods can be found";
            return Err(self.refused("its scale has no pod selector", help));
        }
        let api: Api<Pod> = self.cluster.api(namespace);
        let what = format!("the pods of {} cannot be listed", self.workload);
        let matching = ListParams::default().labels(selector);
        Ok(self.cluster.ask(&what, async || api.list(&matching).await).await?.items)
    }
}
