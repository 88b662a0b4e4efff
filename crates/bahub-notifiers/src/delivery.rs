//! One notifier's queue, and the task that empties it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bahub_core::config::NotifierPlan;
use bahub_core::notifier::{Notification, NotifyError, NotifyErrorKind, Remember};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::template::Templates;

/// The first wait before another try, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How many notifications may wait for one notifier.
const MAX_WAITING: usize = 1000;
/// How long a notification may take at the end of a program where the one before it was not delivered: a dead notifier must not
/// hold that up for each of a hundred backups.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What became of the notifications of one notifier.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delivered {
    /// How many were not delivered.
    pub(crate) lost: usize,
    /// Why the last of those was not.
    pub(crate) error: String,
    /// Whether the last of all was not.
    pub(crate) is_failing: bool,
}

/// A notifier with its queue. Its task lives as long as this.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) plan: Arc<NotifierPlan>,
    sender: mpsc::Sender<Notification>,
    waiting: watch::Sender<usize>,
    delivered: watch::Sender<Delivered>,
    /// Whether the program waits for this to end.
    is_ending: Arc<AtomicBool>,
}

impl Queue {
    /// Starts the task, on the current runtime.
    pub(crate) fn start(plan: NotifierPlan, templates: Templates, memory: Option<Arc<dyn Remember>>) -> Self {
        let plan = Arc::new(plan);
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        let (waiting, delivered) = (watch::Sender::new(0), watch::Sender::new(Delivered::default()));
        let is_ending = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            plan: Arc::clone(&plan),
            templates,
            memory,
            waiting: waiting.clone(),
            delivered: delivered.clone(),
            is_ending: Arc::clone(&is_ending),
        };
        tokio::spawn(worker.run(receiver));
        Self { plan, sender, waiting, delivered, is_ending }
    }

    /// Adds a notification; never waits.
    pub(crate) fn push(&self, notification: Notification) {
        self.waiting.send_modify(|waiting| *waiting += 1);
        if self.sender.try_send(notification).is_err() {
            self.waiting.send_modify(|waiting| *waiting -= 1);
            let error = format!("{MAX_WAITING} notifications wait already; one was dropped");
            self.delivered.send_modify(|delivered| note(delivered, Err(error)));
        }
    }

    /// How many notifications are not dealt with.
    pub(crate) fn waiting(&self) -> usize {
        *self.waiting.borrow()
    }

    /// Waits until there are none; from now on what fails is not tried for long.
    pub(crate) async fn finish(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
        let mut waiting = self.waiting.subscribe();
        // The sender lives in this; an error cannot be.
        let _ = waiting.wait_for(|waiting| *waiting == 0).await;
    }

    /// What became of those that are dealt with.
    pub(crate) fn delivered(&self) -> Delivered {
        self.delivered.borrow().clone()
    }
}

struct Worker {
    plan: Arc<NotifierPlan>,
    templates: Templates,
    memory: Option<Arc<dyn Remember>>,
    waiting: watch::Sender<usize>,
    delivered: watch::Sender<Delivered>,
    is_ending: Arc<AtomicBool>,
}

impl Worker {
    async fn run(self, mut queue: mpsc::Receiver<Notification>) {
        let mut is_failing = false;
        while let Some(mut notification) = queue.recv().await {
            let templates = self.templates.apply(&mut notification);
            notification.title = self.plan.scrubber.scrub(&notification.title);
            notification.body = self.plan.scrubber.scrub(&notification.body);
            let sent = self.deliver(&notification, is_failing).await;
            is_failing = sent.is_err();
            let result = sent.and(templates).map_err(|error| shortened(&self.plan.scrubber.scrub(&error)));
            if let Some(memory) = &self.memory {
                memory.notified(&self.plan.name, result.as_ref().map(|_| ()).map_err(String::as_str));
            }
            if let Err(error) = &result {
                tracing::debug!(notifier = %self.plan.name, %error, "a notification was not delivered");
            }
            self.delivered.send_modify(|delivered| note(delivered, result));
            self.waiting.send_modify(|waiting| *waiting -= 1);
        }
    }

    async fn deliver(&self, notification: &Notification, is_failing: bool) -> Result<(), String> {
        let (retries, limit) = match is_failing && self.is_ending.load(Ordering::Relaxed) {
            true => (0, self.plan.timeout.min(AFTER_FAILURE)),
            false => (self.plan.retries as usize, self.plan.timeout),
        };
        let waits = ExponentialBuilder::default()
            .with_min_delay(WAITS.0)
            .with_max_delay(WAITS.1)
            .with_jitter()
            .with_max_times(retries);
        let mut last = None;
        let tries = (|| self.plan.notifier.send(notification))
            .retry(waits)
            .when(|error: &NotifyError| error.kind() == NotifyErrorKind::Temporary)
            .notify(|error, _| last = Some(error.chain()));
        match timeout(limit, tries).await {
            Ok(sent) => sent.map_err(|error| error.chain()),
            Err(_) => {
                let because = last.map(|error| format!(": {error}")).unwrap_or_default();
                Err(format!("not delivered within {} s{because}", limit.as_secs()))
            }
        }
    }
}

fn note(delivered: &mut Delivered, result: Result<(), String>) {
    delivered.is_failing = result.is_err();
    if let Err(error) = result {
        delivered.lost += 1;
        delivered.error = error;
    }
}

/// The beginning of an error that a program wrote at length.
fn shortened(error: &str) -> String {
    const MAX_SHOWN: usize = 500;
    error.chars().take(MAX_SHOWN).collect()
}
