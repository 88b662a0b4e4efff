//! The sign of life of a run: a `Lease` of the cluster, created before anything else and removed after everything else.
//!
//! It names what the run may have changed, so that any process that finds it without a live holder can undo that.

use std::collections::BTreeMap;
use std::time::Duration;

use bahub_core::event::{Event, Events};
use bahub_core::transport::{TransportError, TransportErrorKind};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;
use tokio::task::JoinHandle;

use super::super::client::Cluster;
use super::super::failure;
use super::clock;
use super::job::{BACKUP, RUN};
use super::workload::Workload;
use crate::holder::Holder;

/// How long it holds after a renewal.
const HOLDS: i32 = 120;
/// How often it is renewed.
const RENEWED: Duration = Duration::from_secs(20);
/// The tolerance before a run is considered dead: servers of one cluster may not agree on the time.
const SKEW: SignedDuration = SignedDuration::from_secs(30);
/// The annotation with the workload that may be scaled down.
const WORKLOAD: &str = "bahub.workload";
/// The annotation with its number of replicas.
const REPLICAS: &str = "bahub.replicas";
/// The annotation with the labels by which the run found its pod.
const SELECTOR: &str = "bahub.selector";

/// The content of a lease.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) run: String,
    pub(super) backup: String,
    pub(super) selector: String,
    pub(super) workload: Option<Workload>,
    /// Its number of replicas when the run began; 0 if nothing is scaled.
    pub(super) replicas: i32,
    /// Whether it names a workload in a format that this version does not know: what it holds is unknown.
    pub(super) is_unclear: bool,
    holder: Option<Holder>,
    /// Until when it holds; none if another program wrote it.
    until: Option<Timestamp>,
}

impl Record {
    /// The record of a run that may scale a workload with this many replicas.
    pub(super) fn new(name: &str, run: &str, backup: &str, selector: &str, scaled: Option<(Workload, i32)>) -> Self {
        let (workload, replicas) = scaled.unzip();
        let replicas = replicas.unwrap_or_default();
        let (name, run, backup) = (name.to_owned(), run.to_owned(), backup.to_owned());
        let (selector, holder) = (selector.to_owned(), Holder::this());
        Self { name, run, backup, selector, workload, replicas, is_unclear: false, holder, until: None }
    }

    fn to_lease(&self, now: Timestamp) -> Lease {
        let workload = self.workload.as_ref().and_then(|workload| serde_json::to_string(workload).ok());
        let mut annotations =
            BTreeMap::from([(BACKUP.to_owned(), self.backup.clone()), (SELECTOR.to_owned(), self.selector.clone())]);
        annotations.extend(workload.map(|workload| (WORKLOAD.to_owned(), workload)));
        annotations.insert(REPLICAS.to_owned(), self.replicas.to_string());
        Lease {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                labels: Some(BTreeMap::from([(RUN.to_owned(), self.run.clone())])),
                annotations: Some(annotations),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.holder.as_ref().map(Holder::to_string).unwrap_or_default()),
                lease_duration_seconds: Some(HOLDS),
                acquire_time: Some(MicroTime(now)),
                renew_time: Some(MicroTime(now)),
                ..LeaseSpec::default()
            }),
        }
    }

    /// None only if it has no label of a run.
    fn parse(lease: &Lease, namespace: &str) -> Option<Self> {
        let (meta, spec) = (&lease.metadata, lease.spec.clone().unwrap_or_default());
        let annotation = |key: &str| meta.annotations.as_ref().and_then(|all| all.get(key)).cloned();
        let named = annotation(WORKLOAD);
        // A lease only applies to its own namespace.
        let is_here = |workload: &Workload| workload.namespace == namespace;
        let workload = named.as_deref().and_then(|text| serde_json::from_str(text).ok()).filter(is_here);
        let holds = SignedDuration::from_secs(spec.lease_duration_seconds.unwrap_or(HOLDS).into());
        Some(Self {
            name: meta.name.clone()?,
            run: meta.labels.as_ref()?.get(RUN)?.clone(),
            backup: annotation(BACKUP).unwrap_or_default(),
            selector: annotation(SELECTOR).unwrap_or_default(),
            replicas: annotation(REPLICAS).and_then(|text| text.parse().ok()).unwrap_or_default(),
            is_unclear: named.is_some() && workload.is_none(),
            workload,
            holder: spec.holder_identity.as_deref().and_then(Holder::parse),
            until: spec.renew_time.and_then(|time| time.0.checked_add(holds).ok()),
        })
    }

    /// What it holds, for messages; none if it holds only its side pod.
    pub(super) fn held(&self) -> Option<String> {
        let unclear = || self.is_unclear.then(|| "something that this version of bahub cannot read".to_owned());
        self.workload.as_ref().map(Workload::to_string).or_else(unclear)
    }

    /// Whether its run is certainly dead.
    pub(super) fn is_dead(&self, now: Timestamp) -> bool {
        if let Some(lives) = self.holder.as_ref().and_then(Holder::lives) {
            return !lives;
        }
        self.until.is_some_and(|until| until.checked_add(SKEW).is_ok_and(|until| until < now))
    }
}

/// The leases of all runs in a namespace.
///
/// # Errors
/// If they cannot be listed.
pub(super) async fn all(cluster: &Cluster, namespace: &str) -> Result<Vec<Record>, TransportError> {
    let api: Api<Lease> = cluster.api(namespace);
    let what = format!("the leases of the namespace {namespace} cannot be listed");
    let listed = cluster.ask(&what, async || api.list(&ListParams::default().labels(RUN)).await).await?;
    Ok(listed.iter().filter_map(|lease| Record::parse(lease, namespace)).collect())
}

/// Removes a lease; it is not an error if it is already gone.
///
/// # Errors
/// [`TransportErrorKind::Undo`] if it stays.
pub(super) async fn remove(cluster: &Cluster, namespace: &str, name: &str) -> Result<(), TransportError> {
    let api: Api<Lease> = cluster.api(namespace);
    let what = format!("the lease {name} in the namespace {namespace} cannot be removed");
    let removed = cluster.look(&what, async || api.delete(name, &DeleteParams::default()).await).await;
    removed.map(drop).map_err(super::undone)
}

/// Removes the workload from a lease once it is back: recovery of the lease then leaves the workload alone.
///
/// # Errors
/// If the cluster does not accept it.
pub(super) async fn give_back(cluster: &Cluster, namespace: &str, name: &str) -> Result<(), TransportError> {
    let api: Api<Lease> = cluster.api(namespace);
    let what = format!("the lease {name} in the namespace {namespace} cannot be changed");
    let without = json!({ "metadata": { "annotations": { WORKLOAD: null, REPLICAS: "0" } } });
    let patch = Patch::Merge(without);
    cluster.look(&what, async || api.patch(name, &PatchParams::default(), &patch).await.map(drop)).await.map(drop)
}

/// Renews a lease that this process holds, which shows whether it still does.
///
/// # Errors
/// [`TransportErrorKind::Refused`] if it was removed.
pub(super) async fn must_hold(cluster: &Cluster, namespace: &str, name: &str) -> Result<(), TransportError> {
    let api: Api<Lease> = cluster.api(namespace);
    let what = format!("the lease {name} in the namespace {namespace} cannot be renewed");
    let held = cluster.look(&what, async || renewed(cluster, &api, name).await).await?;
    held.ok_or_else(|| {
        let message = format!(
            "the lease {name} in the namespace {namespace} was removed: another run, or someone, took this run for dead"
        );
        TransportError::new(TransportErrorKind::Refused, message).with_help("try again; nothing was scaled")
    })
}

/// A lease that this process holds and renews; no longer renewed when this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    renewing: JoinHandle<()>,
}

impl Held {
    /// Takes it.
    ///
    /// # Errors
    /// If it cannot be created.
    pub(super) async fn take(
        cluster: &Cluster,
        namespace: &str,
        record: &Record,
        events: &Events,
    ) -> Result<Self, TransportError> {
        let api: Api<Lease> = cluster.api(namespace);
        let lease = record.to_lease(clock::now(cluster).await?);
        let what = format!("the lease {} cannot be created in the namespace {namespace}", record.name);
        let create = async || match api.create(&PostParams::default(), &lease).await {
            // The first answer was lost: the name is unique to this run.
            Err(error) if failure::status(&error) == Some(409) => Ok(()),
            other => other.map(drop),
        };
        cluster.ask(&what, create).await?;
        // A missing right to renew it should show before anything depends on it.
        must_hold(cluster, namespace, &record.name).await?;
        let renewing = tokio::spawn(renew(cluster.clone(), api, record.name.clone(), events.clone()));
        Ok(Self { renewing })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

/// Renews it as long as it exists; if the cluster does not answer for a while, this is reported once, and renewal continues.
async fn renew(cluster: Cluster, api: Api<Lease>, name: String, events: Events) {
    let mut is_reported = false;
    loop {
        tokio::time::sleep(RENEWED).await;
        match tokio::time::timeout(RENEWED, renewed(&cluster, &api, &name)).await {
            Ok(Ok(())) => is_reported = false,
            Ok(Err(error)) if failure::status(&error) == Some(404) => {
                let message = format!("the lease {name} was removed: another run, or someone, took this run for dead");
                events.emit(Event::Warning { message });
                return;
            }
            Ok(Err(error)) => report(&events, &name, &failure::cause(&error), &mut is_reported),
            Err(_) => report(&events, &name, "no answer", &mut is_reported),
        }
    }
}

async fn renewed(cluster: &Cluster, api: &Api<Lease>, name: &str) -> kube::Result<()> {
    let now = MicroTime(clock::asked(&cluster.client).await?);
    let patch = Patch::Merge(json!({ "spec": { "renewTime": now } }));
    api.patch(name, &PatchParams::default(), &patch).await.map(drop)
}

fn report(events: &Events, name: &str, why: &str, is_reported: &mut bool) {
    if !std::mem::replace(is_reported, true) {
        let message = format!("the lease {name} could not be renewed ({why}); retrying");
        events.emit(Event::Notice { message });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record::new("web-backup-1", "0123", "a backup", "app=web", None)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_lease_carries_the_record() {
        let lease = record().to_lease(at(0));
        let read = Record::parse(&lease, "shop").unwrap();
        assert_eq!(read, Record { until: Some(at(120)), ..record() });
        assert_eq!(Record::parse(&Lease::default(), "shop"), None);
        // From another version: its liveness is as usual, but it may hold something.
        let mut odd = lease;
        odd.metadata.annotations.as_mut().unwrap().insert(WORKLOAD.into(), "{}".into());
        let read = Record::parse(&odd, "shop").unwrap();
        assert_eq!(read, Record { until: Some(at(120)), is_unclear: true, ..record() });
        assert!(read.held().is_some());
    }

    #[test]
    fn a_process_of_this_host_is_looked_for_whatever_the_time() {
        let record = Record { until: Some(at(0)), ..record() };
        assert!(!record.is_dead(at(100_000)));
    }

    #[test]
    fn one_of_another_host_is_dead_when_its_lease_has_long_expired() {
        let record = Record { until: Some(at(0)), holder: Holder::parse("another-boot/1/2/3"), ..record() };
        assert!(!record.is_dead(at(-1)));
        assert!(!record.is_dead(at(30)));
        assert!(record.is_dead(at(31)));
        // Unknown, so it is left alone.
        assert!(!Record { until: None, ..record }.is_dead(at(100_000)));
    }
}
