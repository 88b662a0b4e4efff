//! Recovery of what no live run holds.

use std::sync::Arc;
use std::sync::atomic::AtomicI32;

use bahub_core::run::{Downtime, RunContext, RunPurpose};
use bahub_core::transport::{Recovered, TransportError, TransportErrorKind};

use super::super::client::Cluster;
use super::lease::{self, Record};
use super::scale::{Back, Scaling};
use super::workload::Workload;
use super::{clock, pod};

/// Cleans up after dead runs in a namespace: their programs end first, then what they scaled down is scaled back, and only
/// then the lease, which is the record of both, is removed.
///
/// # Errors
/// The first thing that could not be restored; the rest was.
pub(super) async fn recover(
    cluster: &Cluster,
    namespace: &str,
    selector: &str,
    cx: &RunContext,
) -> Result<Vec<Recovered>, TransportError> {
    // A run's lease exists before its job and after it: read in this order, a job without one belongs to no live run.
    let jobs = pod::jobs(cluster, namespace).await?;
    let leases = lease::all(cluster, namespace).await?;
    let now = clock::now(cluster).await?;
    let (mut recovered, mut wrong) = (Vec::new(), None);
    let mut note = |result: Result<Vec<Recovered>, TransportError>| match result {
        Ok(done) => recovered.extend(done),
        Err(error) => wrong = wrong.take().or(Some(error)),
    };
    for record in leases.iter().filter(|record| record.is_dead(now)) {
        match mended(cluster, namespace, record).await {
            // Without rights on another backup's workload, the run can continue all the same.
            Err(error) if cx.purpose != RunPurpose::Recover && record.selector != selector => {
                let message = format!("cannot clean up after a dead run of {}: {}", record.backup, error.chain());
                cx.warn(message);
            }
            result => note(result),
        }
    }
    for (job, run) in jobs.iter().filter(|(_, run)| !leases.iter().any(|lease| lease.run == *run)) {
        let removed = pod::remove(cluster, namespace, job, run).await;
        note(removed.map(|()| vec![left_behind(namespace, job)]));
    }
    wrong.map_or(Ok(recovered), Err)
}

/// Fails if a run that is not known to be dead has scaled down the wanted pods, so that none is found.
///
/// # Errors
/// [`TransportErrorKind::Refused`], naming the workload.
pub(super) async fn must_be_free(cluster: &Cluster, namespace: &str, selector: &str) -> Result<(), TransportError> {
    for record in lease::all(cluster, namespace).await? {
        if let Some(held) = record.held().filter(|_| record.selector == selector) {
            // A run that has not scaled it yet, or no longer has, does not conflict; without the right to read that is unknown.
            let scaling = record.workload.as_ref().map(|workload| of_record(cluster, &record, workload));
            if let Some(scaling) = scaling
                && let Ok(false) = scaling.is_held().await
            {
                continue;
            }
            let message = format!("another run (of the backup {}) is using {held}", record.backup);
            let help = "wait for it to finish, then try again; if it is dead, {recover what killed runs left}";
            return Err(TransportError::new(TransportErrorKind::Refused, message).with_help(help));
        }
    }
    Ok(())
}

fn of_record(cluster: &Cluster, record: &Record, workload: &Workload) -> Scaling {
    Scaling {
        cluster: cluster.clone(),
        workload: workload.clone(),
        run: record.run.clone(),
        lease: record.name.clone(),
        // In case the workload's own record is gone.
        was: Arc::new(AtomicI32::new(record.replicas)),
        downtime: Downtime::default(),
    }
}

async fn mended(cluster: &Cluster, namespace: &str, record: &Record) -> Result<Vec<Recovered>, TransportError> {
    let Record { name, run, .. } = record;
    if record.is_unclear {
        let message =
            format!("the lease {name} in the namespace {namespace} was left by a dead run of another version of bahub");
        let look = cluster.kubectl(namespace, &format!("get lease {name} -o yaml"));
        let help = format!(
            "{{recover what killed runs left}} with that version; or scale up the workload in it and delete it: {look}"
        );
        return Err(TransportError::new(TransportErrorKind::Undo, message).with_help(help));
    }
    let mut done = Vec::new();
    // What still runs there has no controller any more, and uses the data of what is about to start. If a pod cannot be
    // removed because its node is lost, its agent has ended all the same; the workload is not left down for it.
    let removed = pod::remove(cluster, namespace, name, run).await;
    if let Some(workload) = &record.workload {
        let scaling = of_record(cluster, record, workload);
        let sentence = match scaling.up().await? {
            Back::Nothing => None,
            Back::Scaled(replicas) => Some(format!("scaled back to {replicas}")),
            Back::Theirs(replicas) => Some(format!("already scaled to {replicas} by someone else: left as it is")),
            Back::Gone => Some("removed by someone else: nothing to scale back".to_owned()),
        };
        bahub_core::fault_point("pod.recovered-one");
        done.extend(sentence.map(|done| Recovered::new(scaling.workload.to_string(), done)));
    }
    removed?;
    lease::remove(cluster, namespace, name).await?;
    done.push(left_behind(namespace, name));
    Ok(done)
}

fn left_behind(namespace: &str, job: &str) -> Recovered {
    let done = "removed: left behind by a killed run";
    Recovered::new(format!("side pod {namespace}/{job}"), done)
}
