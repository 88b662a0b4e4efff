//! From the runs of an engine to those who are told.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bahub_core::advice::Advice;
use bahub_core::config::{Audience, NotifierPlan};
use bahub_core::event::{Event, Operation};
use bahub_core::notifier::{LastGood, Notification, NotifyError, NotifyErrorKind, Occasion, Past, Remember};
use bahub_core::observer::{Observer, RunInfo, RunRecord};
use bahub_core::report::Outcome;
use tokio::time::timeout;

use crate::compose;
use crate::delivery::{Delivered, Queue};
use crate::template::{TemplateError, Templates};

/// How a program words an advice about a backup.
pub(crate) type Phrase = fn(&Advice, &str) -> String;

/// Who is told, and by what.
pub struct Setup {
    /// The notifiers.
    pub notifiers: Vec<NotifierPlan>,
    /// Who is told about a backup.
    pub audience: Box<dyn Fn(&str) -> Audience + Send + Sync>,
    /// What earlier runs came to; without it nothing is known of them, and nothing has recovered.
    pub memory: Option<Arc<dyn Remember>>,
    /// How this program words an advice about a backup.
    pub phrase: fn(&Advice, &str) -> String,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("notifiers", &self.notifiers).finish_non_exhaustive()
    }
}

impl Setup {
    /// These are told about everything, in the words of the library.
    pub fn new(notifiers: Vec<NotifierPlan>) -> Self {
        Self {
            notifiers,
            audience: Box::new(|_| Audience::default()),
            memory: None,
            phrase: |advice, _| advice.to_string(),
        }
    }
}

/// A notifier that did not deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryFailure {
    /// The name of the notifier.
    pub notifier: String,
    /// Why, scrubbed.
    pub message: String,
}

/// Sends what happens in runs to notifiers; cheap to clone. An engine is [`observed by`](Self::observer) it.
#[derive(Debug, Clone)]
pub struct Notifications(Arc<Inner>);

struct Inner {
    queues: Vec<Queue>,
    audience: Box<dyn Fn(&str) -> Audience + Send + Sync>,
    memory: Option<Arc<dyn Remember>>,
    phrase: Phrase,
    host: String,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("queues", &self.queues).finish_non_exhaustive()
    }
}

impl Notifications {
    /// Starts a task for each notifier, on the current runtime. Those whose templates cannot be used are left out, and returned.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(setup: Setup) -> (Self, Vec<TemplateError>) {
        let Setup { notifiers, audience, memory, phrase } = setup;
        let (mut queues, mut errors) = (Vec::new(), Vec::new());
        for plan in notifiers {
            match Templates::of(&plan) {
                Ok(templates) => queues.push(Queue::start(plan, templates, memory.clone())),
                Err(error) => errors.push(error),
            }
        }
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        (Self(Arc::new(Inner { queues, audience, memory, phrase, host })), errors)
    }

    /// Checks the templates of a notifier.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn check(plan: &NotifierPlan) -> Result<(), TemplateError> {
        Templates::of(plan).map(drop)
    }

    /// Sends a warning that says that it is a test, once, at once.
    ///
    /// # Errors
    /// Why it was not delivered.
    pub async fn test(plan: &NotifierPlan) -> Result<(), String> {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        // What watches backups must not take it for one that was made.
        let mut notification = Notification::new(Occasion::Warning, Operation::Verify, &host);
        notification.title = format!("bahub on {host}: test");
        notification.body = format!("This is a test of the notifier \"{}\". There is nothing to do.", plan.name);
        Templates::of(plan).map_err(|error| error.to_string())?.apply(&mut notification)?;
        let sent = timeout(plan.timeout, plan.notifier.send(&notification)).await;
        let sent = sent.unwrap_or_else(|_| {
            let message = format!("not delivered within {} s", plan.timeout.as_secs());
            Err(NotifyError::new(NotifyErrorKind::Temporary, message))
        });
        sent.map_err(|error| plan.scrubber.scrub(&error.chain()))
    }

    /// What an engine hands its runs to.
    pub fn observer(&self) -> impl Observer + use<> {
        Watcher(self.clone())
    }

    /// Says that no backup of this name was made for too long. Waits for nothing.
    pub fn overdue(&self, backup: &str) {
        let past = self.0.past(backup, "");
        self.0.send(&[Occasion::Overdue], Some(backup), Operation::Backup, |notification| {
            notification.past = past.clone()
        });
    }

    /// Waits until everything was delivered or given up, at most this long. Returns what was not delivered. For the end of a program, after its observers were drained.
    pub async fn finish(&self, limit: Duration) -> Vec<DeliveryFailure> {
        let all = async {
            futures::future::join_all(self.0.queues.iter().map(Queue::finish)).await;
        };
        let _ = timeout(limit, all).await;
        self.undelivered()
    }

    /// What was not delivered so far, or is not yet: for each notifier how much, and the last reason.
    pub fn undelivered(&self) -> Vec<DeliveryFailure> {
        let trouble = |queue: &Queue| {
            let Delivered { lost, error, .. } = queue.delivered();
            let message = match (queue.waiting(), lost) {
                (0, 0) => return None,
                (0, 1) => error,
                (0, lost) => format!("{} not delivered; the last: {error}", counted(lost)),
                (waiting, 0) => format!("{} not sent in time", counted(waiting)),
                (waiting, _) => format!("{error}; {} not sent in time", counted(waiting)),
            };
            Some(DeliveryFailure { notifier: queue.plan.name.clone(), message })
        };
        self.0.queues.iter().filter_map(trouble).collect()
    }

    /// The notifiers that did not deliver the last that they were to deliver, and why.
    pub fn failing(&self) -> Vec<DeliveryFailure> {
        let failing = self.0.queues.iter().map(|queue| (queue, queue.delivered()));
        let failing = failing.filter(|(_, delivered)| delivered.is_failing);
        failing
            .map(|(queue, delivered)| DeliveryFailure { notifier: queue.plan.name.clone(), message: delivered.error })
            .collect()
    }
}

impl Inner {
    /// Sends it to each that is about this backup and wants one of these, for the first of them that it wants.
    fn send(
        &self,
        occasions: &[Occasion],
        backup: Option<&str>,
        operation: Operation,
        fill: impl Fn(&mut Notification),
    ) {
        let audience = backup.map(|backup| (self.audience)(backup)).unwrap_or_default();
        for queue in self.queues.iter().filter(|queue| queue.plan.is_about(backup, &audience)) {
            let wanted = occasions.iter().find(|occasion| queue.plan.occasions.contains(occasion));
            let Some(&occasion) = wanted else { continue };
            let mut notification = Notification::new(occasion, operation, &self.host);
            fill(&mut notification);
            notification.backup = backup.map(str::to_owned);
            notification.tags.clone_from(&audience.tags);
            compose::write(&mut notification, self.phrase);
            queue.push(notification);
        }
    }

    fn past(&self, backup: &str, run: &str) -> Past {
        self.memory.as_ref().map(|memory| memory.before(backup, run)).unwrap_or_default()
    }

    fn ended(&self, record: &RunRecord) {
        let report = &record.report;
        if report.operation == Operation::Download && record.exit_code == 0 {
            return;
        }
        let backup = Some(report.backup.as_str()).filter(|backup| !backup.is_empty());
        let before = backup.map(|backup| self.past(backup, &report.run)).unwrap_or_default();
        let past = with_this(&before, record);
        self.send(&compose::occasions(record, &before), backup, report.operation, |notification| {
            notification.run.clone_from(&report.run);
            notification.time = record.ended;
            notification.past = past.clone();
            notification.record = Some(record.clone());
        });
    }
}

fn counted(notifications: usize) -> String {
    match notifications {
        1 => "1 notification was".to_owned(),
        more => format!("{more} notifications were"),
    }
}

/// What was before, and this run.
fn with_this(before: &Past, record: &RunRecord) -> Past {
    let report = &record.report;
    if report.operation != Operation::Backup {
        return before.clone();
    }
    let is_good = matches!(report.outcome, Outcome::Succeeded | Outcome::SucceededWithWarnings);
    match is_good {
        // Since when it had failed is news as well.
        true => {
            let mut past = before.clone();
            past.last_good = Some(LastGood::new(report.version, record.ended));
            past
        }
        false => before.clone().failing(before.failing_since.unwrap_or(record.ended), before.failures + 1),
    }
}

struct Watcher(Notifications);

impl Observer for Watcher {
    fn event(&mut self, run: &RunInfo, event: &Event) {
        if !matches!(event, Event::Started { .. }) || !matches!(run.operation, Operation::Backup | Operation::Restore) {
            return;
        }
        let inner = &self.0.0;
        inner.send(&[Occasion::Start], Some(&run.backup), run.operation, |notification| {
            notification.run.clone_from(&run.run)
        });
    }

    fn finished(&mut self, record: &RunRecord) {
        self.0.0.ended(record);
    }

    fn not_started(&mut self, record: &RunRecord) {
        self.0.0.ended(record);
    }
}
