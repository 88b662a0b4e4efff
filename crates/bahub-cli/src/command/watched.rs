//! Runs that are written down and told of.

use std::sync::Arc;
use std::time::Duration;

use bahub_core::config::{ConfigErrorKind, ConfigErrors, Configuration, Environment, KeyUse, find_config};
use bahub_core::engine::Engine;
use bahub_core::event::Operation;
use bahub_core::notifier::Remember;
use bahub_core::observer::{ErrorRecord, RunRecord};
use bahub_core::plan::Plan;
use bahub_core::report::Report;
use bahub_core::run::random_hex;
use bahub_history::{History, default_folder};
use bahub_notifiers::{Notifications, Setup};

use super::session::Session;
use crate::failed::{Failed, Reason};
use crate::render::advice;
use crate::signals;
use crate::terminal::PATIENCE;

/// How long the notifiers may take before it is said that they are waited for.
const SILENCE: Duration = Duration::from_secs(3);
/// How long they may take beyond the longest of their own limits.
const MARGIN: Duration = Duration::from_secs(10);

/// An engine whose runs are written down and told of, and the configuration that says to whom.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) engine: Engine,
    pub(super) notifications: Notifications,
    pub(super) history: Option<History>,
    /// The longest that a notification may take.
    limit: Duration,
}

impl Session {
    /// Does something with runs, and waits at the end until those who are to be told were.
    ///
    /// # Errors
    /// Those of the configuration, of which they are told as well, and those of the work.
    pub(crate) async fn watched<T>(
        &self,
        operation: Operation,
        work: impl AsyncFnOnce(&Watched) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let configuration = match self.configuration() {
            Ok(configuration) => configuration,
            Err(errors) => {
                let failed = Failed::from(errors);
                self.tell_unusable(operation, &failed).await;
                return Err(failed);
            }
        };
        let watched = self.watch(configuration, self.history_or_notice());
        let result = work(&watched).await;
        self.finish(&watched).await;
        result
    }

    /// Says that the configuration cannot be used, to those whose part of it can.
    pub(super) async fn tell_unusable(&self, operation: Operation, failed: &Failed) {
        let files = find_config(&self.config).unwrap_or_default();
        let Some(configuration) = Configuration::load_in_part(&files, &self.registry, Environment::process()) else {
            return;
        };
        let watched = self.watch(configuration, self.history_or_notice());
        watched.not_started(operation, "", failed);
        self.finish(&watched).await;
    }

    fn history_or_notice(&self) -> Option<History> {
        match self.history() {
            Ok(history) => Some(history),
            Err(reason) => {
                self.renderer.notice(&format!("{reason}: this run will not be in the history"));
                None
            }
        }
    }

    pub(super) fn watch(&self, configuration: Configuration, history: Option<History>) -> Watched {
        let configuration = Arc::new(configuration);
        let (notifiers, errors) = configuration.notifiers();
        for error in &errors {
            self.renderer.warning(&format!("a notifier cannot be used: {error}"));
        }
        notifiers.iter().for_each(|notifier| self.renderer.terminal().learn(&notifier.scrubber));
        let limit = notifiers.iter().map(|notifier| notifier.timeout).max().unwrap_or_default();
        let (notifications, errors) = Notifications::start(Setup {
            audience: Box::new({
                let configuration = Arc::clone(&configuration);
                move |backup| configuration.audience(backup)
            }),
            memory: history.clone().map(|history| Arc::new(history) as Arc<dyn Remember>),
            phrase: advice,
            ..Setup::new(notifiers)
        });
        for error in errors {
            self.renderer.warning(&format!("a notifier cannot be used: {error}"));
        }
        let engine = self.engine.clone().observed_by(notifications.observer());
        let engine = match &history {
            Some(history) => engine.observed_by(history.observer()),
            None => engine,
        };
        Watched { configuration, engine, notifications, history, limit }
    }

    /// The history of this host.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn history(&self) -> Result<History, String> {
        let folder = self.state_folder().ok_or("there is no folder for a history: set --state-dir, or HOME")?;
        History::open(folder).map_err(|error| error.to_string())
    }

    /// Where this host's history is.
    pub(super) fn state_folder(&self) -> Option<std::path::PathBuf> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(Into::into);
        self.state_dir.clone().or_else(|| default_folder(rustix::process::geteuid().is_root(), variable))
    }

    /// Waits until everything was written down and told, and says what was not. A signal ends the waiting.
    pub(super) async fn finish(&self, watched: &Watched) {
        let observers = watched.engine.observers().clone();
        let drained = tokio::task::spawn_blocking(move || observers.drain(PATIENCE));
        let _ = drained.await;
        self.await_notifiers(watched).await;
        for trouble in watched.notifications.undelivered() {
            self.renderer.not_notified(&trouble);
        }
        if let Some(trouble) = watched.history.as_ref().and_then(History::last_error) {
            self.renderer.warning(&format!("the history is incomplete: {trouble}"));
        }
    }

    async fn await_notifiers(&self, watched: &Watched) {
        let all = watched.notifications.finish(watched.limit + MARGIN);
        tokio::pin!(all);
        tokio::select! {
            _ = &mut all => return,
            () = tokio::time::sleep(SILENCE) => {}
        }
        self.renderer.notice("waiting for the notifiers; press Ctrl-C to stop waiting");
        let waited = signals::unless_signalled(async {
            all.await;
            Ok(())
        });
        let _ = waited.await;
    }
}

impl Watched {
    /// The plan of a backup whose key files are there; that there is none is written down and told of.
    pub(super) fn planned(
        &self,
        session: &Session,
        operation: Operation,
        name: &str,
        keys: Option<KeyUse>,
    ) -> Result<Plan, Failed> {
        let planned: Result<_, ConfigErrors> = session.planned(&self.configuration, name, keys);
        planned.map_err(|errors| {
            // Whoever mistyped a name sees that; nobody has to be woken up.
            let is_mistyped = errors.iter().all(|error| error.kind() == ConfigErrorKind::UnknownBackup);
            let failed = Failed::from(errors);
            if !is_mistyped {
                self.not_started(operation, name, &failed);
            }
            failed
        })
    }

    /// Writes down and tells that something was not begun.
    pub(super) fn not_started(&self, operation: Operation, backup: &str, failed: &Failed) {
        self.engine.observers().not_started(&Arc::new(record_of(operation, backup, failed)));
    }
}

/// What was asked for and not begun.
fn record_of(operation: Operation, backup: &str, failed: &Failed) -> RunRecord {
    let mut report = Report::default();
    report.operation = operation;
    report.backup = backup.to_owned();
    report.run = random_hex(16).unwrap_or_default();
    let help = match &failed.reason {
        Reason::Config(errors) => errors.iter().next().and_then(|error| error.help().cloned()),
        Reason::Run(error) => error.help().cloned(),
    };
    let more = match &failed.reason {
        Reason::Config(errors) if errors.iter().count() > 1 => {
            format!(" (the first of {} errors)", errors.iter().count())
        }
        _ => String::new(),
    };
    let error = ErrorRecord::new(format!("{}{more}", failed.sentence()), help);
    RunRecord::new(failed.exit, report, Some(error), Vec::new())
}
