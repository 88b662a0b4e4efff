//! Scaling to 0 and back. The original number is recorded on the workload itself, by the same patch that changes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use bahub_core::advice::Advice;
use bahub_core::run::{Downtime, RunContext};
use bahub_core::transport::{TransportError, TransportErrorKind};
use k8s_openapi::api::autoscaling::v1::Scale;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::client::Cluster;
use super::super::failure;
use super::undone;
use super::workload::Workload;

/// The annotation of a workload that a run has scaled to 0.
const SCALED: &str = "bahub.scaled-down";
/// How long to retry a patch that scales down: shorter than a lease holds.
const BRIEF: Duration = Duration::from_secs(45);
/// How often a patch is retried whose guards failed because of a concurrent change.
const TRIES: u32 = 20;

/// What has to be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    /// The run that scaled it.
    pub(super) run: String,
    /// The name of that run's lease.
    pub(super) lease: String,
    /// How many there were.
    pub(super) replicas: i32,
}

/// The result of scaling back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Back {
    /// This run had not scaled it, or it is back already.
    Nothing,
    /// It is scaled back to the original number.
    Scaled(i32),
    /// It was scaled by another client meanwhile, and is left at that number.
    Theirs(i32),
    /// It was removed.
    Gone,
}

/// A workload and the run that scales it.
#[derive(Debug, Clone)]
pub(super) struct Scaling {
    pub(super) cluster: Cluster,
    pub(super) workload: Workload,
    pub(super) run: String,
    pub(super) lease: String,
    /// How many there were, once it may have been scaled down; 0 before, and when it is back.
    pub(super) was: Arc<AtomicI32>,
    /// Begun before the first request that stops something, and ended by the code that scales back.
    pub(super) downtime: Downtime,
}

/// A workload as it is now.
struct Now {
    version: String,
    generation: Option<i64>,
    has_annotations: bool,
    /// The text of the record.
    record: Option<String>,
    replicas: i32,
    /// Whether the cluster deletes its claims when it is scaled down.
    loses_claims: bool,
}

impl Scaling {
    /// Records the number and sets it to 0, in one step.
    ///
    /// # Errors
    /// [`TransportErrorKind::Refused`] if another run has scaled it, or where it is at 0 already.
    pub(super) async fn down(&self) -> Result<(), TransportError> {
        for _ in 0..TRIES {
            let now = self.looked_at().await?;
            // The answer to the first attempt was lost.
            let is_ours = now.record.as_deref().map(|text| self.parse(text)).transpose()?;
            if let Some(before) = is_ours.filter(|before| now.replicas == 0 && before.run == self.run) {
                self.was.store(before.replicas, Ordering::Release);
                return Ok(());
            }
            self.can(&now).await?;
            // Without the lease, another process has recovered this run as dead, or is about to.
            super::lease::must_hold(&self.cluster, &self.workload.namespace, &self.lease).await?;
            self.downtime.begin();
            if self.patched_down(&now).await? {
                self.was.store(now.replicas, Ordering::Release);
                return Ok(());
            }
        }
        Err(self.refused("it keeps changing", "find what changes it with kubectl describe"))
    }

    /// How many there are, if it could be scaled to 0 and back now; nothing is changed.
    ///
    /// # Errors
    /// [`TransportErrorKind::Refused`], with the reason.
    pub(super) async fn can_go_down(&self) -> Result<i32, TransportError> {
        let now = self.looked_at().await?;
        self.can(&now).await?;
        Ok(now.replicas)
    }

    async fn can(&self, now: &Now) -> Result<(), TransportError> {
        if let Some(before) = now.record.as_deref().map(|text| self.parse(text)).transpose()?
            && before.run != self.run
        {
            self.must_be_left_over(&before, now).await?;
        }
        if now.replicas == 0 {
            return Err(self.refused("it is already scaled to 0", "scale it up first: its pods are terminating"));
        }
        if now.loses_claims {
            let help = "set its persistentVolumeClaimRetentionPolicy.whenScaled to Retain";
            return Err(self.refused("that would delete its volume claims, and the data with them", help));
        }
        Ok(())
    }

    async fn looked_at(&self) -> Result<Now, TransportError> {
        self.now().await?.ok_or_else(|| self.refused("it was removed during the run", "try again"))
    }

    /// A record whose lease was removed by hand is ignored, unless its number is still needed.
    async fn must_be_left_over(&self, before: &Before, now: &Now) -> Result<(), TransportError> {
        let leases = super::lease::all(&self.cluster, &self.workload.namespace).await?;
        if leases.iter().any(|lease| lease.run == before.run) {
            return Err(self.refused(
                "another run is using it",
                "wait for it to finish, then try again; if it is dead, {recover what killed runs left}",
            ));
        }
        match now.replicas {
            0 => Err(self.refused("it was scaled to 0 by an unknown run", self.by_hand(before.replicas))),
            _ => Ok(()),
        }
    }

    async fn patched_down(&self, now: &Now) -> Result<bool, TransportError> {
        // It must not take effect after the lease that was just renewed has expired.
        let this = &Self { cluster: self.cluster.patient(BRIEF), ..self.clone() };
        let before = Before { run: self.run.clone(), lease: self.lease.clone(), replicas: now.replicas };
        let record = json!(before).to_string();
        let mut patch = this.guards(now);
        if !now.has_annotations {
            patch.push(json!({ "op": "add", "path": "/metadata/annotations", "value": {} }));
        }
        patch.push(json!({ "op": "add", "path": annotation(), "value": record }));
        if self.workload.is_built_in() {
            patch.push(json!({ "op": "test", "path": "/spec/replicas", "value": now.replicas }));
            patch.push(json!({ "op": "replace", "path": "/spec/replicas", "value": 0 }));
            return this.patch(patch).await;
        }
        // If the number is in another field: recorded first, then changed.
        Ok(this.patch(patch).await? && this.patch_scale(now.replicas, 0).await?)
    }

    /// Restores the recorded number and removes the record, in one step; harmless if this run had scaled nothing, or if it is
    /// already back: later changes are not touched.
    ///
    /// # Errors
    /// [`TransportErrorKind::Undo`], with the command that does it by hand.
    pub(super) async fn up(&self) -> Result<Back, TransportError> {
        let back = self.brought_back().await?;
        self.was.store(0, Ordering::Release);
        Ok(back)
    }

    async fn brought_back(&self) -> Result<Back, TransportError> {
        for _ in 0..TRIES {
            let Some(now) = self.now().await.map_err(undone)? else { return Ok(Back::Gone) };
            let Some(record) = &now.record else { return self.without_record(&now) };
            let before = self.parse(record)?;
            if before.run != self.run {
                return Ok(Back::Nothing);
            }
            let mut patch = self.guards(&now);
            patch.push(json!({ "op": "test", "path": annotation(), "value": record }));
            patch.push(json!({ "op": "remove", "path": annotation() }));
            let theirs = now.replicas != 0;
            let in_one = self.workload.is_built_in();
            if !theirs && in_one {
                patch.push(json!({ "op": "test", "path": "/spec/replicas", "value": 0 }));
                patch.push(json!({ "op": "replace", "path": "/spec/replicas", "value": before.replicas }));
            } else if !theirs && !self.patch_scale(0, before.replicas).await.map_err(undone)? {
                continue;
            } else if !in_one {
                // The scale has changed the version.
                patch.remove(1);
            }
            if self.patch(patch).await.map_err(|error| undone(error).with_more_help(self.by_hand(before.replicas)))? {
                return Ok(match theirs && now.replicas != before.replicas {
                    true => Back::Theirs(now.replicas),
                    false => Back::Scaled(before.replicas),
                });
            }
        }
        let message = format!("{} could not be scaled back: it keeps changing", self.workload);
        Err(TransportError::new(TransportErrorKind::Undo, message)
            .with_help("{recover what killed runs left} when it no longer changes"))
    }

    /// Nothing was scaled, or the record was removed: then it is back, or an error is returned.
    fn without_record(&self, now: &Now) -> Result<Back, TransportError> {
        let was = self.was.load(Ordering::Acquire);
        if was == 0 || now.replicas != 0 {
            return Ok(Back::Nothing);
        }
        let message =
            format!("{} is scaled to 0, and the record of its previous replicas ({was}) was removed", self.workload);
        let lease = self.cluster.kubectl(&self.workload.namespace, &format!("delete lease {}", self.lease));
        let help = format!("{}; or, if it should stay at 0: {lease}", self.by_hand(was));
        Err(TransportError::new(TransportErrorKind::Undo, message).with_help(help))
    }

    /// The generation of a built-in resource, which counts every change of its `spec`; custom ones may count otherwise.
    ///
    /// # Errors
    /// [`TransportErrorKind::NotOwn`] if it is gone.
    pub(super) async fn generation(&self) -> Result<Option<i64>, TransportError> {
        let now = self.now().await?.ok_or_else(|| {
            let message = format!("{} was removed during the run", self.workload);
            TransportError::new(TransportErrorKind::NotOwn, message).with_help("try again")
        })?;
        Ok(now.generation.filter(|_| self.workload.is_built_in()))
    }

    /// Whether its record says that this run has scaled it to 0.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) async fn is_held(&self) -> Result<bool, TransportError> {
        let record = self.now().await?.and_then(|now| now.record);
        Ok(record.is_some_and(|record| !self.parse(&record).is_ok_and(|before| before.run != self.run)))
    }

    /// Its current state, with the number of its scale. None if it is gone, or was replaced by another of its name.
    async fn now(&self) -> Result<Option<Now>, TransportError> {
        let api = self.workload.api(&self.cluster)?;
        let what = format!("{} cannot be read", self.workload);
        let found = self.cluster.look(&what, async || api.get(&self.workload.name).await).await?;
        let Some(found) = found.filter(|found| self.workload.is(found)) else { return Ok(None) };
        let retention = found.data.pointer("/spec/persistentVolumeClaimRetentionPolicy/whenScaled");
        let loses_claims = retention.and_then(Value::as_str) == Some("Delete");
        let replicas = replicas(&self.scale().await?);
        let annotations = found.metadata.annotations;
        Ok(Some(Now {
            version: found.metadata.resource_version.unwrap_or_default(),
            generation: found.metadata.generation,
            has_annotations: annotations.is_some(),
            record: annotations.and_then(|mut all| all.remove(SCALED)),
            replicas,
            loses_claims,
        }))
    }

    fn parse(&self, record: &str) -> Result<Before, TransportError> {
        let before = serde_json::from_str::<Before>(record).ok().filter(|before| before.replicas > 0);
        before.ok_or_else(|| {
            let message = format!("the annotation {SCALED} of {} was not written by bahub: {record}", self.workload);
            let help = format!(
                "scale it to the intended replicas and remove the annotation: {}",
                self.cluster
                    .kubectl(&self.workload.namespace, &format!("annotate {} {SCALED}-", self.workload.reference()))
            );
            TransportError::new(TransportErrorKind::Undo, message).with_help(help)
        })
    }

    /// Nothing happens if it is another object, or was changed since it was read.
    fn guards(&self, now: &Now) -> Vec<Value> {
        vec![
            json!({ "op": "test", "path": "/metadata/uid", "value": self.workload.uid }),
            json!({ "op": "test", "path": "/metadata/resourceVersion", "value": now.version }),
        ]
    }

    async fn patch_scale(&self, from: i32, to: i32) -> Result<bool, TransportError> {
        let scale = self.scale().await?;
        if replicas(&scale) != from {
            return Ok(false);
        }
        // A number that is 0 is not written there, so its absence cannot be a guard.
        let version = scale.metadata.resource_version;
        let test = json!({ "op": "test", "path": "/metadata/resourceVersion", "value": version });
        let set = json!({ "op": "add", "path": "/spec/replicas", "value": to });
        self.send(vec![test, set], true).await
    }

    /// Whether the guards held. After a lost answer this is an error, or guards that did not hold: read it again.
    async fn patch(&self, operations: Vec<Value>) -> Result<bool, TransportError> {
        self.send(operations, false).await
    }

    async fn send(&self, operations: Vec<Value>, to_scale: bool) -> Result<bool, TransportError> {
        let (api, name) = (self.workload.api(&self.cluster)?, &self.workload.name);
        let what = format!("{} cannot be scaled", self.workload);
        let patch = serde_json::from_value(Value::Array(operations))
            .map_err(|error| TransportError::new(TransportErrorKind::Refused, what.clone()).with_source(error))?;
        let (patch, how) = (Patch::<Value>::Json(patch), PatchParams::default());
        let sent = async || {
            let answer = match to_scale {
                true => api.patch_scale(name, &how, &patch).await.map(drop),
                false => api.patch(name, &how, &patch).await.map(drop),
            };
            match answer {
                Err(error) if matches!(failure::status(&error), Some(409 | 422)) => Ok(false),
                other => other.map(|()| true),
            }
        };
        let held = self.cluster.ask(&what, sent).await?;
        if !held {
            sleep(Duration::from_millis(100)).await;
        }
        Ok(held)
    }

    pub(super) async fn scale(&self) -> Result<Scale, TransportError> {
        let api: Api<DynamicObject> = self.workload.api(&self.cluster)?;
        let what = format!("the scale of {} cannot be read", self.workload);
        self.cluster.ask(&what, async || api.get_scale(&self.workload.name).await).await
    }

    pub(super) fn refused(&self, why: &str, help: impl Into<Advice>) -> TransportError {
        let message = format!("{} cannot be scaled down: {why}", self.workload);
        TransportError::new(TransportErrorKind::Refused, message).with_help(help)
    }

    fn by_hand(&self, replicas: i32) -> String {
        let scale = format!("scale {} --replicas={replicas}", self.workload.reference());
        self.cluster.kubectl(&self.workload.namespace, &scale)
    }

    /// Reports the result of scaling back if the user should know.
    pub(super) fn report(&self, back: &Back, cx: &RunContext) {
        let message = match back {
            Back::Nothing | Back::Scaled(_) => return,
            Back::Theirs(replicas) => {
                format!(
                    "{} was scaled to {replicas} by someone else during the run and is left as it is",
                    self.workload
                )
            }
            Back::Gone => format!("{} was removed by someone else during the run", self.workload),
        };
        cx.warn(message);
    }
}

fn annotation() -> String {
    format!("/metadata/annotations/{SCALED}")
}

pub(super) fn replicas(scale: &Scale) -> i32 {
    scale.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(0)
}
