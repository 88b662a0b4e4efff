//! The service on a simulated clock, and after it was killed.

#![expect(clippy::unwrap_used, reason = "a test states what must hold")]

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::config::ScheduledBackup;
use bahub_core::schedule::Schedule;
use bahub_history::{Claim, History};
use bahub_service::{Clock, Ended, Made, Runner, Service, plan};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A clock that follows tokio's.
#[derive(Debug)]
struct Simulated(Timestamp, Instant);

impl Simulated {
    fn from(start: &str) -> Arc<Self> {
        Arc::new(Self(start.parse().unwrap(), Instant::now()))
    }
}

impl Clock for Simulated {
    fn now(&self) -> Timestamp {
        self.0 + SignedDuration::try_from(self.1.elapsed()).unwrap()
    }
}

/// Runs that take a while, and what began when.
#[derive(Debug)]
struct Recorded {
    clock: Arc<Simulated>,
    takes: Duration,
    started: Mutex<Vec<(String, Timestamp, bool)>>,
    running: Mutex<BTreeSet<String>>,
    most: AtomicUsize,
    killed: Mutex<Vec<String>>,
    was_made: Mutex<Made>,
    ends: Mutex<Ended>,
    troubles: Mutex<Vec<String>>,
}

impl Recorded {
    fn new(clock: &Arc<Simulated>, takes: Duration) -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::clone(clock),
            takes,
            started: Mutex::default(),
            running: Mutex::default(),
            most: AtomicUsize::new(0),
            killed: Mutex::default(),
            was_made: Mutex::new(Made::No),
            ends: Mutex::new(Ended::Done),
            troubles: Mutex::default(),
        })
    }

    fn started(&self) -> Vec<(String, Timestamp, bool)> {
        self.started.lock().unwrap().clone()
    }
}

#[async_trait]
impl Runner for Recorded {
    async fn run(&self, backup: &str, catch_up: bool) -> Ended {
        self.started.lock().unwrap().push((backup.to_owned(), self.clock.now(), catch_up));
        {
            let mut running = self.running.lock().unwrap();
            assert!(running.insert(backup.to_owned()), "{backup} runs twice at a time");
            self.most.fetch_max(running.len(), Ordering::SeqCst);
        }
        tokio::time::sleep(self.takes).await;
        self.running.lock().unwrap().remove(backup);
        *self.ends.lock().unwrap()
    }

    async fn was_made(&self, _: &str, _: Timestamp) -> Made {
        *self.was_made.lock().unwrap()
    }

    fn report_problem(&self, message: &str) {
        self.troubles.lock().unwrap().push(message.to_owned());
    }

    async fn was_killed(&self, backup: &str) {
        self.killed.lock().unwrap().push(backup.to_owned());
    }
}

fn scheduled(name: &str, text: &str, zone: &str) -> ScheduledBackup {
    ScheduledBackup::new(name, Schedule::parse(text, name, TimeZone::get(zone).unwrap()).unwrap())
}

const AT_ONCE: NonZeroUsize = NonZeroUsize::new(1000).unwrap();

fn service(runner: &Arc<Recorded>, history: &History, at_once: NonZeroUsize) -> Service<Recorded> {
    let lock = history.lock_service().unwrap().expect("there is no other service");
    let clock = Arc::clone(&runner.clock) as Arc<dyn Clock>;
    Service::new(Arc::clone(runner), history.clone(), lock, clock, at_once)
}

/// Runs a service for as long; it ends as if it were killed.
async fn run_for(
    runner: &Arc<Recorded>,
    history: &History,
    at_once: NonZeroUsize,
    schedules: Vec<ScheduledBackup>,
    time: Duration,
) {
    let service = service(runner, history, at_once);
    let (_schedules, receiver) = watch::channel(schedules);
    let _ = tokio::time::timeout(time, service.run(receiver, CancellationToken::new())).await;
    runner.running.lock().unwrap().clear();
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// 500 backups over a stretch of time; each starts at each time of its schedule, once, and at no other.
async fn all_are_started(from: &str, days: u32) {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).unwrap();
    let clock = Simulated::from(from);
    let runner = Recorded::new(&clock, Duration::from_secs(20));
    let texts = [
        "30 2 * * *",
        "0 3 * * *",
        "@daily-random",
        "15 */6 * * *",
        "0 2 * * 0",
        "30 1 29 2 *",
        "0 12 1 * *",
        "@weekly-random",
    ];
    let zones = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"];
    let schedules: Vec<_> = (0..500)
        .map(|number| scheduled(&format!("backup-{number}"), texts[number % texts.len()], zones[number % zones.len()]))
        .collect();
    let start = clock.now();
    run_for(&runner, &history, AT_ONCE, schedules.clone(), DAY * days).await;
    let end = clock.now();
    let mut began: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    for (backup, at, catch_up) in runner.started() {
        assert!(!catch_up, "{backup} at {at}");
        began.entry(backup).or_default().push(at);
    }
    for scheduled in schedules {
        let due: Vec<_> = scheduled.schedule.between(start, end).collect();
        let began = began.remove(&scheduled.backup).unwrap_or_default();
        assert_eq!(began.len(), due.len(), "{}: {began:?} instead of {due:?}", scheduled.backup);
        for (due, at) in due.into_iter().zip(began) {
            let late = at.duration_since(due);
            assert!(
                (SignedDuration::ZERO..SignedDuration::from_secs(1)).contains(&late),
                "{}: {due} at {at}",
                scheduled.backup
            );
        }
    }
    assert!(began.is_empty(), "{began:?}");
}

#[tokio::test(start_paused = true)]
async fn five_hundred_backups_start_at_their_times_through_a_change_to_summer_time() {
    all_are_started("2026-03-27T00:00:00Z", 4).await;
}

#[tokio::test(start_paused = true)]
async fn five_hundred_backups_start_at_their_times_through_a_change_to_winter_time() {
    all_are_started("2026-10-23T00:00:00Z", 4).await;
}

#[tokio::test(start_paused = true)]
async fn five_hundred_backups_start_at_their_times_through_a_leap_day() {
    all_are_started("2028-02-27T00:00:00Z", 4).await;
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_a_time_than_may_and_none_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).unwrap();
    let runner = Recorded::new(&Simulated::from("2026-01-01T00:30:00Z"), Duration::from_secs(600));
    let schedules = (0..10).map(|number| scheduled(&number.to_string(), "0 * * * *", "UTC")).collect();
    run_for(&runner, &history, NonZeroUsize::new(2).unwrap(), schedules, HOUR * 3).await;
    assert_eq!(runner.most.load(Ordering::SeqCst), 2);
    for number in 0..10 {
        let count = runner.started().iter().filter(|(backup, ..)| *backup == number.to_string()).count();
        assert!((2..=3).contains(&count), "{number}: {count}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_longer_than_its_interval_never_runs_twice_and_is_not_piled_up() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).unwrap();
    let runner = Recorded::new(&Simulated::from("2026-01-01T00:30:00Z"), HOUR * 5 / 2);
    run_for(&runner, &history, AT_ONCE, vec![scheduled("slow", "0 * * * *", "UTC")], HOUR * 12).await;
    let count = runner.started().len();
    assert!((4..=5).contains(&count), "{count}");
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_made_up_for_once_where_it_is_wanted_and_young_enough() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).unwrap();
    let runner = Recorded::new(&Simulated::from("2026-01-01T00:00:00Z"), Duration::from_secs(60));
    let with = |name: &str, text: &str, within: Option<i64>| {
        let mut scheduled = scheduled(name, text, "UTC");
        scheduled.catch_up_within = within.map(SignedDuration::from_hours);
        scheduled
    };
    let schedules = || {
        vec![
            with("daily", "0 3 * * *", Some(24)),
            with("hourly", "0 * * * *", Some(24)),
            with("skipped", "0 3 * * *", None),
            with("too-old", "0 3 1 * *", Some(48)),
        ]
    };
    run_for(&runner, &history, AT_ONCE, schedules(), Duration::from_secs(60)).await;
    assert!(runner.started().is_empty(), "a new backup has missed nothing");
    // Off for five and a half days.
    tokio::time::sleep(DAY * 11 / 2).await;
    run_for(&runner, &history, AT_ONCE, schedules(), Duration::from_secs(600)).await;
    let mut names: Vec<_> = runner.started().into_iter().map(|(backup, _, catch_up)| (backup, catch_up)).collect();
    names.sort();
    // 12:01 is a minute after the hour: that is late, not missed.
    assert_eq!(names, [("daily".into(), true), ("hourly".into(), false)]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_killed_in_the_middle_of_a_run_makes_it_again_once_unless_it_was_made() {
    for (was_made, missed) in [(Made::No, true), (Made::Yes, true), (Made::No, false)] {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(folder.path()).unwrap();
        let runner = Recorded::new(&Simulated::from("2026-01-01T02:59:00Z"), HOUR);
        let schedules = || {
            let mut scheduled = scheduled("daily", "0 3 * * *", "UTC");
            // A run that was killed is made again also where what was missed is skipped.
            scheduled.catch_up_within = missed.then_some(SignedDuration::from_hours(24));
            vec![scheduled]
        };
        run_for(&runner, &history, AT_ONCE, schedules(), HOUR / 2).await;
        assert_eq!(runner.started().len(), 1);
        *runner.was_made.lock().unwrap() = was_made;
        for _ in 0..3 {
            run_for(&runner, &history, AT_ONCE, schedules(), HOUR * 2).await;
        }
        let expected = if was_made == Made::Yes { 1 } else { 2 };
        assert_eq!(runner.started().len(), expected, "{:?}", runner.started());
        assert_eq!(runner.killed.lock().unwrap().len(), expected - 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_say_whether_a_killed_run_made_its_version_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).unwrap();
    let runner = Recorded::new(&Simulated::from("2026-01-01T02:59:00Z"), HOUR);
    let schedules = || vec![scheduled("daily", "0 3 * * *", "UTC"), scheduled("other", "30 4 * * *", "UTC")];
    run_for(&runner, &history, AT_ONCE, schedules(), HOUR / 2).await;
    *runner.was_made.lock().unwrap() = Made::Unknown;
    run_for(&runner, &history, AT_ONCE, schedules(), HOUR * 3).await;
    let names: Vec<_> = runner.started().into_iter().map(|(backup, ..)| backup).collect();
    assert_eq!(names, ["daily", "other"], "others are due meanwhile");
    assert!(!runner.troubles.lock().unwrap().is_empty());
    *runner.was_made.lock().unwrap() = Made::Yes;
    run_for(&runner, &history, AT_ONCE, schedules(), HOUR).await;
    assert!(!history.claims().unwrap()["daily"].is_running);
    assert_eq!(runner.started().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_stopped_is_due_again_and_a_stop_waits_for_what_runs() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).unwrap();
    let runner = Recorded::new(&Simulated::from("2026-01-01T02:59:00Z"), HOUR);
    *runner.ends.lock().unwrap() = Ended::Stopped;
    let schedules = vec![scheduled("daily", "0 3 * * *", "UTC")];
    let (_sender, receiver) = watch::channel(schedules.clone());
    let stop = CancellationToken::new();
    let stopping = async {
        tokio::time::sleep(HOUR / 2).await;
        stop.cancel();
    };
    {
        let service = service(&runner, &history, AT_ONCE);
        let running = service.run(receiver, stop.clone());
        let (ended, ()) = tokio::time::timeout(HOUR * 2, async { tokio::join!(running, stopping) }).await.unwrap();
        ended.unwrap();
    }
    assert!(runner.running.lock().unwrap().is_empty());
    *runner.ends.lock().unwrap() = Ended::Done;
    run_for(&runner, &history, AT_ONCE, schedules, HOUR * 3).await;
    assert_eq!(runner.started().len(), 2, "{:?}", runner.started());
}

#[tokio::test(start_paused = true)]
async fn a_reload_changes_what_is_due_and_loses_nothing_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).unwrap();
    let runner = Recorded::new(&Simulated::from("2026-01-01T02:59:00Z"), HOUR);
    let service = service(&runner, &history, AT_ONCE);
    let (schedules, receiver) = watch::channel(vec![scheduled("daily", "0 3 * * *", "UTC")]);
    let stop = CancellationToken::new();
    let reload = async {
        tokio::time::sleep(HOUR / 2).await;
        for _ in 0..100 {
            schedules.send_replace(vec![scheduled("daily", "0 3 * * *", "UTC"), scheduled("new", "0 4 * * *", "UTC")]);
        }
        tokio::time::sleep(HOUR).await;
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(service.run(receiver, stop.clone()), reload);
    ended.unwrap();
    let names: Vec<_> = runner.started().into_iter().map(|(backup, ..)| backup).collect();
    assert_eq!(names, ["daily", "new"]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_ahead_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).unwrap();
    history.write_claim("daily", Claim::ended("2030-01-01T00:00:00Z".parse().unwrap())).unwrap();
    let runner = Recorded::new(&Simulated::from("2026-01-01T02:59:00Z"), Duration::from_secs(60));
    run_for(&runner, &history, AT_ONCE, vec![scheduled("daily", "0 3 * * *", "UTC")], HOUR).await;
    assert_eq!(runner.started().len(), 1);
    assert!(runner.troubles.lock().unwrap()[0].contains("the clock was wrong"));
}

#[tokio::test(start_paused = true)]
async fn a_history_that_cannot_be_written_is_reported_once_and_the_backups_are_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).unwrap();
    let runner = Recorded::new(&Simulated::from("2026-01-01T02:59:00Z"), Duration::from_secs(60));
    let daily = || vec![scheduled("daily", "0 3 * * *", "UTC")];
    run_for(&runner, &history, AT_ONCE, daily(), Duration::from_secs(1)).await;
    history.refuse_claims().unwrap();
    run_for(&runner, &history, AT_ONCE, daily(), HOUR * 49).await;
    assert_eq!(runner.started().len(), 3, "{:?}", runner.started());
    let troubles = runner.troubles.lock().unwrap();
    assert!(troubles.len() == 1 && troubles[0].contains("database or disk is full"), "{troubles:?}");
}

/// After a sleep of days nothing stale starts, and one backup is enough.
#[test]
fn what_was_slept_through_is_looked_at_again() {
    let now: Timestamp = "2026-01-04T12:00:00Z".parse().unwrap();
    let claim = Claim::ended("2026-01-01T03:00:00Z".parse().unwrap());
    let next = |within: Option<i64>, claim: Claim| {
        let mut scheduled = scheduled("a", "0 3 * * *", "UTC");
        scheduled.catch_up_within = within.map(SignedDuration::from_hours);
        plan(&scheduled, claim, now).unwrap()
    };
    let caught_up = next(Some(24), claim);
    assert_eq!((caught_up.due.to_string().as_str(), caught_up.is_catch_up), ("2026-01-04T03:00:00Z", true));
    assert_eq!(next(None, claim).due.to_string(), "2026-01-05T03:00:00Z");
    assert_eq!(next(Some(6), claim).due.to_string(), "2026-01-05T03:00:00Z");
    let again = next(None, Claim { is_due_again: true, ..claim });
    assert_eq!((again.start, again.is_catch_up), (now, true));
}

#[test]
fn there_is_one_service_of_a_history() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (History::open(folder.path()).unwrap(), History::open(folder.path()).unwrap());
    let lock = one.lock_service().unwrap();
    assert!(lock.is_some() && other.lock_service().unwrap().is_none());
    drop(lock);
    assert!(other.lock_service().unwrap().is_some());
}
