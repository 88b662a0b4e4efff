//! Every pod that was seen on the data while it had to be quiet, by a watch that goes on meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bahub_core::run::CancellationToken;
use bahub_core::transport::{TransportError, TransportErrorKind};
use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{WatchEvent, WatchParams};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::super::client::REQUEST;
use super::super::failure;
use super::super::instance::workload_of;
use super::super::state::{self, name};
use super::quiet::{Quiet, may_run, version};
use super::scale::Scaling;

/// How long one watch is kept, in seconds; at its end a silently broken connection is noticed.
const WATCHED: u32 = 240;
/// The pause before a broken watch is resumed.
const PAUSE: Duration = Duration::from_millis(500);
/// A server's watch lags behind its lists by less than this. A pod can be missed only if it was created and deleted within that
/// time, right before the last list: no kubelet starts a container that fast. Bookmarks prove no more: they carry the version of
/// the server's pod cache, which may stay behind the version of a list for minutes.
const LAG: Duration = Duration::from_millis(750);
/// The number of attempts to catch up.
const TRIES: usize = 3;
/// How long catching up may take, in a namespace in which pods change all the time.
const CAUGHT_UP: Duration = Duration::from_secs(10);

/// What is a disturbance.
#[derive(Debug)]
struct Rules {
    quiet: Quiet,
    /// The pods that had ended before.
    ended: BTreeSet<String>,
}

impl Rules {
    /// Why a pod that was seen while the data had to be quiet may not be there.
    fn disturbance(&self, pod: &Pod) -> Option<String> {
        if !may_run(pod) || self.quiet.is_of_run(pod) || uid(pod).is_some_and(|uid| self.ended.contains(&uid)) {
            return None;
        }
        if self.quiet.is_of_workload(pod) {
            return Some(format!("the pod {} of {} was running", name(pod), self.quiet.workload));
        }
        let data = self.quiet.written_by(pod)?;
        Some(format!("the pod {} of {} was running and could write to the {data}", name(pod), workload_of(pod)))
    }
}

/// What has been seen so far.
#[derive(Debug)]
struct Log {
    /// Up to this version.
    version: String,
    /// The first pod that should not have been there.
    disturbance: Option<String>,
    /// Why something may have been missed.
    gap: Option<String>,
}

impl Log {
    fn is_over(&self) -> bool {
        self.disturbance.is_some() || self.gap.is_some()
    }

    /// Whether the stream can continue after this.
    fn take(&mut self, event: WatchEvent<Pod>, rules: &Rules) -> bool {
        let pod = match event {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) | WatchEvent::Deleted(pod) => pod,
            WatchEvent::Bookmark(bookmark) => {
                self.version = bookmark.metadata.resource_version;
                return true;
            }
            WatchEvent::Error(status) => {
                if status.code == 410 {
                    self.gap = Some(status.message);
                }
                return false;
            }
        };
        self.disturbance = self.disturbance.take().or_else(|| rules.disturbance(&pod));
        if let Some(version) = pod.metadata.resource_version {
            self.version = version;
        }
        true
    }

    fn refused(&mut self, error: &kube::Error) {
        if failure::status(error) == Some(410) {
            self.gap = Some(failure::cause(error));
        }
    }
}

/// Watches the pods of a namespace, until it is dropped.
#[derive(Debug)]
pub(super) struct Witness {
    rules: Arc<Rules>,
    generation: Option<i64>,
    stop: CancellationToken,
    following: Option<JoinHandle<Log>>,
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Witness {
    /// Begins to watch, once all pods of the workload are gone.
    ///
    /// # Errors
    /// [`TransportErrorKind::NotOwn`] if another pod already uses the data.
    pub(super) async fn begin(quiet: &Quiet, scaling: &Scaling) -> Result<Self, TransportError> {
        // In this order: any change of the workload from now on is seen by one or the other.
        let generation = scaling.generation().await?;
        let listed = quiet.list().await?;
        let ended = listed.items.iter().filter(|pod| state::has_ended(pod)).filter_map(uid).collect();
        let rules = Rules { quiet: quiet.clone(), ended };
        if let Some(disturbance) = listed.items.iter().find_map(|pod| rules.disturbance(pod)) {
            return Err(disturbed(&disturbance));
        }
        let log = Log { version: version(&listed), disturbance: None, gap: None };
        Ok(Self::start(Arc::new(rules), generation, log))
    }

    fn start(rules: Arc<Rules>, generation: Option<i64>, log: Log) -> Self {
        let stop = CancellationToken::new();
        let following = Some(tokio::spawn(follow(Arc::clone(&rules), log, stop.clone())));
        Self { rules, generation, stop, following }
    }

    /// Returns a witness that continues, if no other pod was seen since it began.
    ///
    /// # Errors
    /// [`TransportErrorKind::NotOwn`] if one was seen, or it cannot be ruled out.
    pub(super) async fn confirm(mut self, scaling: &Scaling) -> Result<Self, TransportError> {
        self.stop.cancel();
        let log = match self.following.take() {
            Some(following) => following.await.ok(),
            None => None,
        };
        let mut log = log.ok_or_else(|| unproven("the watch on the pods has ended"))?;
        let (rules, quiet) = (Arc::clone(&self.rules), &self.rules.quiet);
        let listed = quiet.list().await?;
        log.disturbance = log.disturbance.or_else(|| listed.items.iter().find_map(|pod| rules.disturbance(pod)));
        let mut is_caught_up = false;
        for _ in 0..TRIES {
            if !is_caught_up && !log.is_over() {
                is_caught_up = catch_up(&rules, &mut log, &version(&listed)).await?;
            }
        }
        match (&log.disturbance, &log.gap) {
            (Some(disturbance), _) => return Err(disturbed(disturbance)),
            (None, Some(gap)) => return Err(unproven(gap)),
            (None, None) if !is_caught_up => return Err(unproven("the watch on the pods keeps failing")),
            (None, None) => {}
        }
        let generation = scaling.generation().await?;
        if generation != self.generation {
            return Err(disturbed(&format!("{} was changed", scaling.workload)));
        }
        Ok(Self::start(rules, generation, log))
    }
}

fn uid(pod: &Pod) -> Option<String> {
    pod.metadata.uid.clone()
}

fn disturbed(what: &str) -> TransportError {
    let message = format!("the data may have been in use during the run: {what}");
    TransportError::new(TransportErrorKind::NotOwn, message)
        .with_help("pause what starts it (an operator, a CronJob, a deployment) during the run, and try again")
}

fn unproven(why: &str) -> TransportError {
    let message = format!("cannot confirm that the data was unused during the run: {why}");
    TransportError::new(TransportErrorKind::NotOwn, message).with_help("try again")
}

/// Follows changes of pods until it is stopped, or a disturbance is found.
async fn follow(rules: Arc<Rules>, mut log: Log, stop: CancellationToken) -> Log {
    let (api, how) = (rules.quiet.api(), WatchParams::default().timeout(WATCHED));
    while !log.is_over() {
        let opened = tokio::select! {
            () = stop.cancelled() => return log,
            opened = timeout(REQUEST, api.watch(&how, &log.version)) => opened,
        };
        match opened {
            Ok(Ok(events)) => {
                futures::pin_mut!(events);
                loop {
                    let event = tokio::select! {
                        biased;
                        () = stop.cancelled() => return log,
                        event = events.next() => event,
                    };
                    let Some(Ok(event)) = event else { break };
                    if !log.take(event, &rules) || log.is_over() {
                        break;
                    }
                }
            }
            Ok(Err(error)) => log.refused(&error),
            Err(_) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return log,
            () = sleep(PAUSE) => {}
        }
    }
    log
}

/// Processes events up to the version of a list, over a new connection: one that has long been silent may be dead. Returns
/// whether it got that far.
async fn catch_up(rules: &Rules, log: &mut Log, upto: &str) -> Result<bool, TransportError> {
    let (api, how) = (rules.quiet.api(), WatchParams::default().timeout(30));
    let until = Instant::now() + CAUGHT_UP;
    let (what, from) = (rules.quiet.cannot_watch(), log.version.clone());
    let opened = async || match api.watch(&how, &from).await {
        Err(error) if failure::status(&error) == Some(410) => Ok(Err(error)),
        other => other.map(Ok),
    };
    let events = match rules.quiet.cluster.ask(&what, opened).await? {
        Ok(events) => events,
        Err(error) => {
            log.refused(&error);
            return Ok(false);
        }
    };
    futures::pin_mut!(events);
    while Instant::now() < until {
        if is_at(&log.version, upto) {
            return Ok(true);
        }
        match timeout(LAG, events.next()).await {
            Ok(Some(Ok(event))) => {
                if !log.take(event, rules) || log.is_over() {
                    return Ok(false);
                }
            }
            Ok(_) => return Ok(false),
            // Nothing more is coming.
            Err(_) => return Ok(true),
        }
    }
    Ok(false)
}

/// Versions increase, if they are numbers.
fn is_at(version: &str, upto: &str) -> bool {
    match (version.parse::<u64>(), upto.parse::<u64>()) {
        (Ok(version), Ok(upto)) => version >= upto,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_at("100", "99") && is_at("100", "100") && !is_at("99", "100") && !is_at("a", "b"));
    }
}
