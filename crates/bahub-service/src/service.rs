//! The loop: waits until something is due, and starts it.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::config::ScheduledBackup;
use bahub_history::{Claim, History, HistoryError, ServiceLock};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::planner::{Planned, is_late, plan};

/// The longest sleep: a clock that is set, and a host that was suspended, are noticed within this time.
const TICK: Duration = Duration::from_secs(30);
/// How long after a store could not say whether a killed run had made its version it is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(300);
/// How far a claim may lie in the future before that is worth a warning.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Makes backups.
#[async_trait]
pub trait Runner: Send + Sync + 'static {
    /// Makes a backup that is due, to its end, however that is. `catch_up`: it was due earlier.
    async fn run(&self, backup: &str, catch_up: bool) -> Ended;

    /// Whether a run that was killed had made its version all the same, since this moment.
    async fn was_made(&self, backup: &str, since: Timestamp) -> Made;

    /// Reports that a run was killed, for example with the service.
    async fn was_killed(&self, backup: &str);

    /// Reports that something is wrong with the service itself; the backups go on.
    fn report_problem(&self, message: &str);

    /// Called at least every half minute, and after each run: for what has to be watched. It must not block.
    fn tick(&self) {}
}

/// What becomes of the time for which a backup was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is over, successful or not.
    Done,
    /// The run was stopped from outside: its time is due again.
    Stopped,
}

/// Whether there is a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// There is.
    Yes,
    /// There is none.
    No,
    /// The store cannot be asked.
    Unknown,
}

/// Starts backups when they are due.
#[derive(Debug)]
pub struct Service<R> {
    runner: Arc<R>,
    history: History,
    clock: Arc<dyn Clock>,
    max_parallel: NonZeroUsize,
    /// There is no other service of this history.
    _lock: ServiceLock,
}

/// What the loop knows.
#[derive(Default)]
struct State {
    backups: BTreeMap<String, ScheduledBackup>,
    /// How far each schedule is; the history has the same, where it can be written.
    claims: BTreeMap<String, Claim>,
    /// What is next for those that neither run nor wait.
    planned: BTreeMap<String, Planned>,
    /// What is due and waits for a free place, in order.
    waiting: VecDeque<String>,
    /// What runs, and what a killed service had begun and that is looked at.
    running: JoinSet<Option<Ended>>,
    /// Which backup each of these is, and whether it takes up a place.
    names: BTreeMap<Id, (String, bool)>,
    /// Whether the history could not be written the last time.
    is_unwritten: bool,
}

impl State {
    fn is_busy(&self, backup: &str) -> bool {
        self.names.values().any(|(name, _)| name == backup) || self.waiting.iter().any(|name| name == backup)
    }

    fn is_full(&self, most: NonZeroUsize) -> bool {
        self.names.values().filter(|(_, takes_place)| *takes_place).count() >= most.get()
    }
}

impl<R: Runner> Service<R> {
    /// A service that keeps in this history what it took up.
    pub fn new(
        runner: Arc<R>,
        history: History,
        lock: ServiceLock,
        clock: Arc<dyn Clock>,
        max_parallel: NonZeroUsize,
    ) -> Self {
        Self { runner, history, clock, max_parallel, _lock: lock }
    }

    /// Runs until it is stopped and nothing runs any more: the newest of `schedules` counts.
    ///
    /// # Errors
    /// If the history cannot be read at the start. One that later cannot be written is reported, and the backups are made all the
    /// same; only what this process knows then keeps a time from being taken up twice.
    pub async fn run(
        &self,
        mut schedules: watch::Receiver<Vec<ScheduledBackup>>,
        stop: CancellationToken,
    ) -> Result<(), HistoryError> {
        let mut state = State { claims: self.history.claims()?, ..State::default() };
        let now = schedules.borrow_and_update().clone();
        self.reload(&mut state, now);
        self.take_up_killed(&mut state, &stop);
        loop {
            if !stop.is_cancelled() {
                self.start_what_is_due(&mut state);
            } else if state.running.is_empty() {
                return Ok(());
            }
            self.runner.tick();
            let wait = self.until_next(&state);
            tokio::select! {
                biased;
                Some(ended) = state.running.join_next_with_id() => {
                    // A run that panicked has ended as well.
                    let (id, ended) = ended.unwrap_or_else(|error| (error.id(), Some(Ended::Done)));
                    self.ended(&mut state, id, ended);
                }
                () = stop.cancelled(), if !stop.is_cancelled() => {}
                Ok(()) = schedules.changed() => {
                    let now = schedules.borrow_and_update().clone();
                    self.reload(&mut state, now);
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Looks what a service that was killed had begun, beside everything else.
    fn take_up_killed(&self, state: &mut State, stop: &CancellationToken) {
        let killed: Vec<_> = state
            .claims
            .iter()
            .filter(|(_, claim)| claim.is_running)
            .map(|(name, claim)| (name.clone(), claim.due))
            .collect();
        for (backup, due) in killed {
            if !state.backups.contains_key(&backup) {
                self.write(state, &backup, Claim::ended(due));
                continue;
            }
            let (runner, stop, name) = (Arc::clone(&self.runner), stop.clone(), backup.clone());
            let task = state.running.spawn(async move {
                loop {
                    let made = tokio::select! {
                        made = runner.was_made(&name, due) => made,
                        () = stop.cancelled() => return None,
                    };
                    match made {
                        Made::Yes => return Some(Ended::Done),
                        Made::No => {
                            runner.was_killed(&name).await;
                            return Some(Ended::Stopped);
                        }
                        Made::Unknown => runner.report_problem(&format!(
                            "{name}: its store cannot say whether the run that was killed made a version"
                        )),
                    }
                    tokio::select! {
                        () = tokio::time::sleep(ASK_AGAIN) => {}
                        // The next service asks.
                        () = stop.cancelled() => return None,
                    }
                }
            });
            state.planned.remove(&backup);
            state.names.insert(task.id(), (backup, false));
        }
    }

    fn reload(&self, state: &mut State, schedules: Vec<ScheduledBackup>) {
        let now = self.clock.now();
        state.backups = schedules.into_iter().map(|scheduled| (scheduled.backup.clone(), scheduled)).collect();
        state.planned.clear();
        state.waiting.clear();
        let names: Vec<_> = state.backups.keys().cloned().collect();
        for backup in names {
            match state.claims.get(&backup).copied() {
                // One that is new has missed nothing.
                None => self.write(state, &backup, Claim::ended(now)),
                Some(claim) if claim.due.duration_since(now) > AHEAD => {
                    self.runner.report_problem(&format!("{backup}: its schedule was followed up to {}, which is in the future: the clock was wrong; it counts from now on", claim.due));
                    self.write(state, &backup, Claim { due: now, ..claim });
                }
                Some(_) => {}
            }
            if !state.is_busy(&backup) {
                self.plan(state, &backup);
            }
        }
    }

    fn plan(&self, state: &mut State, backup: &str) {
        let now = self.clock.now();
        let Some(scheduled) = state.backups.get(backup) else { return };
        let claim = state.claims.get(backup).copied().unwrap_or_else(|| Claim::ended(now));
        state.planned.extend(plan(scheduled, claim, now).map(|planned| (backup.to_owned(), planned)));
    }

    fn start_what_is_due(&self, state: &mut State) {
        let now = self.clock.now();
        let late: Vec<_> = state
            .planned
            .iter()
            .filter(|(_, planned)| !planned.is_catch_up && is_late(planned, now))
            .map(|(name, _)| name.clone())
            .collect();
        late.iter().for_each(|backup| self.plan(state, backup));
        // In the order in which they are due, whatever their names.
        let mut due: Vec<_> = state
            .planned
            .iter()
            .filter(|(_, planned)| planned.start <= now)
            .map(|(name, planned)| (planned.start, name.clone()))
            .collect();
        due.sort();
        // Their plans stay until there is a place.
        state.waiting.extend(
            due.iter()
                .filter(|(_, backup)| !state.waiting.contains(backup))
                .map(|(_, backup)| backup.clone())
                .collect::<Vec<_>>(),
        );
        while !state.is_full(self.max_parallel) {
            let Some(backup) = state.waiting.pop_front() else { break };
            if let Some(planned) = state.planned.remove(&backup) {
                self.start(state, backup, planned);
            }
        }
    }

    fn start(&self, state: &mut State, backup: String, planned: Planned) {
        self.write(state, &backup, Claim { is_running: true, ..Claim::ended(planned.due) });
        let (runner, name) = (Arc::clone(&self.runner), backup.clone());
        let task = state.running.spawn(async move { Some(runner.run(&name, planned.is_catch_up).await) });
        state.names.insert(task.id(), (backup, true));
    }

    fn ended(&self, state: &mut State, id: Id, ended: Option<Ended>) {
        let Some((backup, _)) = state.names.remove(&id) else { return };
        let Some(ended) = ended else { return };
        let due = state.claims.get(&backup).map_or_else(|| self.clock.now(), |claim| claim.due);
        self.write(state, &backup, Claim { is_due_again: ended == Ended::Stopped, ..Claim::ended(due) });
        self.plan(state, &backup);
    }

    /// Remembers how far a schedule is. Where it cannot be written down that is reported, once until it works again.
    fn write(&self, state: &mut State, backup: &str, claim: Claim) {
        state.claims.insert(backup.to_owned(), claim);
        match self.history.write_claim(backup, claim) {
            Ok(()) => state.is_unwritten = false,
            Err(error) if !state.is_unwritten => {
                state.is_unwritten = true;
                self.runner.report_problem(&format!(
                    "what is started cannot be written down, so that a restart may make a backup twice: {error}"
                ));
            }
            Err(_) => {}
        }
    }

    fn until_next(&self, state: &State) -> Duration {
        let now = self.clock.now();
        // What waits starts when something ends.
        let next = state
            .planned
            .iter()
            .filter(|(backup, _)| !state.waiting.contains(backup))
            .map(|(_, planned)| planned.start)
            .min();
        let next = next.map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
        next.unwrap_or(TICK).min(TICK)
    }
}
