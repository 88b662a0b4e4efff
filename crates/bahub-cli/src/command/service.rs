//! `:service:run`

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bahub_core::config::{Configuration, KeyUse, ScheduledBackup};
use bahub_core::engine::{BackupOptions, RunControl};
use bahub_core::event::Operation;
use bahub_core::exit::ExitCode;
use bahub_core::observer::{ErrorRecord, RunRecord};
use bahub_core::report::{Outcome, Report};
use bahub_core::run::CancellationToken;
use bahub_core::sink::Version;
use bahub_history::{History, HistoryError};
use bahub_notifiers::DeliveryFailure;
use bahub_service::{Ended, Made, Runner, Service, SystemClock};
use jiff::{SignedDuration, Timestamp};
use sd_notify::NotifyState;
use tokio::sync::watch;

use super::schedule::host;
use super::session::Session;
use super::watched::Watched;
use crate::failed::Failed;
use crate::signals::{ServiceSignal, ServiceSignals};

/// How often it is looked whether a backup is overdue.
const LOOK: Duration = Duration::from_secs(60);
/// How often somebody is told that it still is.
const REMIND: SignedDuration = SignedDuration::from_hours(24);
/// How often the watchdog hears of the loop's life beside its own turns.
const WATCHDOG: Duration = Duration::from_secs(30);

pub(super) async fn run(session: &Session, max_parallel: NonZeroUsize) -> Result<ExitCode, Failed> {
    // From here on they are kept until there is somebody who listens.
    let mut signals = ServiceSignals::new()?;
    let configuration = match session.configuration() {
        Ok(configuration) => configuration,
        Err(errors) => {
            let failed = Failed::from(errors);
            session.tell_unusable(Operation::Backup, &failed).await;
            return Err(failed);
        }
    };
    let history = session.history().map_err(|reason| {
        let message = format!("the service keeps in the history what it started: {reason}");
        Failed::new(ExitCode::Failed, message).with_help("choose a folder that can be written with --state-dir")
    })?;
    let Some(lock) = history.lock_service().map_err(super::history::unreadable)? else {
        let message = format!("another service runs with the history in {}", history.folder().display());
        let help = "stop it first, or give this one a folder of its own with --state-dir";
        return Err(Failed::new(ExitCode::Locked, message).with_help(help));
    };
    session.renderer.names_backups(true);
    let current = Current::of(session, configuration, &history);
    let (schedules, received) = watch::channel(current.schedules.clone());
    let controller = Arc::new(Controller {
        session: session.clone(),
        current: Mutex::new(Arc::new(current)),
        history: history.clone(),
        control: RunControl::default(),
        stop: CancellationToken::new(),
        looked: Mutex::new(None),
        troubles: Mutex::default(),
    });
    let service = Service::new(Arc::clone(&controller), history, lock, Arc::new(SystemClock), max_parallel);
    let stop = controller.stop.clone();
    let running = service.run(received, stop);
    tokio::pin!(running);
    tell_systemd(&[NotifyState::Ready]);
    let ended = loop {
        tokio::select! {
            ended = &mut running => break ended,
            signal = signals.next() => match signal {
                ServiceSignal::Reload => controller.reload(&schedules),
                ServiceSignal::End => controller.stop(),
            },
            () = tokio::time::sleep(WATCHDOG) => tell_systemd(&[NotifyState::Watchdog]),
        }
    };
    let current = controller.current();
    session.finish(&current.watched).await;
    ended.map_err(super::history::unreadable)?;
    Ok(ExitCode::Ok)
}

/// The configuration as it was read last, and what was made of it.
struct Current {
    watched: Watched,
    schedules: Vec<ScheduledBackup>,
    /// How old each backup may be.
    max_ages: Vec<(String, Duration)>,
}

impl Current {
    /// Makes what can be used of a configuration. A schedule that cannot be is reported and told, and keeps no other from being due.
    fn of(session: &Session, configuration: Configuration, history: &History) -> Self {
        let (schedules, errors) = configuration.sound_schedules(&host());
        let names = configuration.backup_names();
        let max_ages = names.into_iter().filter_map(|name| Some((name.to_owned(), configuration.max_age(name).ok()??)));
        let max_ages = max_ages.collect();
        let watched = session.watch(configuration, Some(history.clone()));
        for error in errors {
            let failed = Failed::new(ExitCode::Config, format!("a schedule cannot be used: {error}"));
            session.renderer.failed(&failed);
            watched.not_started(Operation::Backup, "", &failed);
        }
        if schedules.is_empty() {
            session.renderer.warning("no backup has a `schedule`: the service has nothing to do");
        }
        let now = Timestamp::now();
        let next = |scheduled: &ScheduledBackup| scheduled.schedule.next_after(now);
        let mut next: Vec<_> = schedules.iter().map(|scheduled| (next(scheduled), scheduled.backup.as_str())).collect();
        next.sort_unstable();
        session.renderer.scheduled(&next);
        Self { watched, schedules, max_ages }
    }
}

/// What the service runs.
struct Controller {
    session: Session,
    current: Mutex<Arc<Current>>,
    history: History,
    /// Ends every run of the service.
    control: RunControl,
    /// Nothing is started any more.
    stop: CancellationToken,
    /// When it was last looked whether something is overdue.
    looked: Mutex<Option<Instant>>,
    /// The notifiers that are known to fail.
    troubles: Mutex<BTreeSet<String>>,
}

impl Controller {
    fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the configuration again. One that cannot be used changes nothing, and is told.
    fn reload(&self, schedules: &watch::Sender<Vec<ScheduledBackup>>) {
        let now = NotifyState::monotonic_usec_now().ok();
        tell_systemd(&[Some(NotifyState::Reloading), now].into_iter().flatten().collect::<Vec<_>>());
        match self.session.configuration() {
            Ok(configuration) => {
                let new = Arc::new(Current::of(&self.session, configuration, &self.history));
                schedules.send_replace(new.schedules.clone());
                let old = std::mem::replace(&mut *self.current.lock().unwrap_or_else(PoisonError::into_inner), new);
                // What it still has to tell is told meanwhile.
                let session = self.session.clone();
                tokio::spawn(async move { session.finish(&old.watched).await });
            }
            Err(errors) => {
                let failed = Failed::from(errors);
                let message = "the configuration cannot be used; the service goes on with the one before";
                self.session.renderer.warning(message);
                self.session.renderer.failed(&failed);
                self.current().watched.not_started(Operation::Backup, "", &failed);
            }
        }
        tell_systemd(&[NotifyState::Ready]);
    }

    /// The first time: nothing more is started, and what runs is ended. The second time: at once.
    fn stop(&self) {
        if self.stop.is_cancelled() {
            return self.control.abort();
        }
        tell_systemd(&[NotifyState::Stopping]);
        self.stop.cancel();
        self.control.cancel();
    }

    /// Tells of every backup that is overdue, and again each day.
    fn look_for_overdue(&self) {
        let current = self.current();
        for (name, max_age) in &current.max_ages {
            if let Err(error) = self.tell_if_overdue(&current.watched, name, *max_age) {
                tracing::error!(%error, backup = name, "cannot find out whether a backup is overdue");
            }
        }
    }

    fn tell_if_overdue(&self, watched: &Watched, name: &str, max_age: Duration) -> Result<(), HistoryError> {
        let now = Timestamp::now();
        let watched_since = self.history.watched_since(name, now)?;
        let last_good = self.history.of_backup(name)?.last_good.map(|run| run.ended);
        // Of a backup that was never made it counts since when it is known.
        let age = Duration::try_from(now.duration_since(last_good.unwrap_or(watched_since))).unwrap_or_default();
        let told = self.history.told_overdue(name)?;
        match (age > max_age, told) {
            (false, None) => {}
            (false, Some(_)) => self.history.note_overdue(name, None)?,
            (true, Some(told)) if now.duration_since(told) < REMIND => {}
            (true, _) => {
                watched.notifications.overdue(name);
                self.history.note_overdue(name, Some(now))?;
            }
        }
        Ok(())
    }

    /// Reports each notifier that begins to fail, and each that works again.
    fn look_at_notifiers(&self) {
        let failing = self.current().watched.notifications.failing();
        let mut known = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        for trouble in failing.iter().filter(|trouble| !known.contains(&trouble.notifier)) {
            self.session.renderer.not_notified(trouble);
        }
        let now: BTreeSet<_> = failing.into_iter().map(|DeliveryFailure { notifier, .. }| notifier).collect();
        for works in known.difference(&now) {
            self.session.renderer.notice(&format!("the notifier \"{works}\" works again"));
        }
        *known = now;
    }
}

#[async_trait]
impl Runner for Controller {
    async fn run(&self, backup: &str, catch_up: bool) -> Ended {
        if catch_up {
            self.session.renderer.notice(&format!("{backup}: catching up on a missed backup"));
        }
        let current = self.current();
        let watched = &current.watched;
        let plan = match watched.planned(&self.session, Operation::Backup, backup, Some(KeyUse::Seal)) {
            Ok(plan) => plan,
            Err(failed) => {
                self.session.renderer.failed_for(backup, &failed);
                return Ended::Done;
            }
        };
        let outcome = watched.engine.backup(&plan, &BackupOptions::default().controlled_by(&self.control)).await;
        match outcome.report.outcome {
            Outcome::Cancelled if self.stop.is_cancelled() => Ended::Stopped,
            _ => Ended::Done,
        }
    }

    async fn was_made(&self, backup: &str, since: Timestamp) -> Made {
        let current = self.current();
        let Ok(plan) = self.session.plan_of(&current.watched.configuration, backup) else { return Made::Unknown };
        let Ok(versions) = current.watched.engine.list(&plan).await else { return Made::Unknown };
        let Some(version) = versions.iter().find(|version| version.created.is_some_and(|created| created >= since))
        else {
            return Made::No;
        };
        current.watched.engine.observers().finished(&Arc::new(made_before(backup, version)));
        Made::Yes
    }

    async fn was_killed(&self, backup: &str) {
        let message = "the service was killed while this backup ran, and no version was made";
        let failed = Failed::new(ExitCode::Failed, message);
        self.session.renderer.failed_for(backup, &failed);
        self.current().watched.not_started(Operation::Backup, backup, &failed);
    }

    fn report_problem(&self, message: &str) {
        self.session.renderer.warning(message);
        let failed = Failed::new(ExitCode::Failed, message);
        self.current().watched.not_started(Operation::Backup, "", &failed);
    }

    fn tick(&self) {
        tell_systemd(&[NotifyState::Watchdog]);
        self.look_at_notifiers();
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            *looked = Some(Instant::now());
            drop(looked);
            self.look_for_overdue();
        }
    }
}

/// The record of a run that made its version and was killed before it could be written down.
fn made_before(backup: &str, version: &Version) -> RunRecord {
    let mut report = Report::default();
    report.backup = backup.to_owned();
    report.version = Some(version.number);
    report.stored_bytes = version.size;
    report.location = Some(version.location.clone());
    let message = "the service was killed after this version was made, and before the run ended";
    report.warnings.push(message.to_owned());
    report.succeeded();
    let mut exit = ExitCode::Ok;
    let mut error = None;
    if version.missing > 0 {
        report.outcome = Outcome::Partial;
        exit = ExitCode::Partial;
        error = Some(ErrorRecord::new(format!("{} parts are missing in the version", version.missing), None));
    }
    let mut record = RunRecord::new(exit, report, error, Vec::new());
    record.ended = version.created.unwrap_or(record.ended);
    record
}

/// Without systemd there is nobody to tell.
fn tell_systemd(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}
