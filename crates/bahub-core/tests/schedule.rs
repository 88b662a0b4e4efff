//! When a schedule is due: against an oracle that looks at every minute.

#![cfg(feature = "config")]
#![expect(clippy::unwrap_used, reason = "a test states what must hold")]

use std::collections::BTreeSet;

use bahub_core::schedule::{Schedule, jitter};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;

/// The fields as sets, by a reader of its own.
struct Fields {
    sets: [BTreeSet<u32>; 5],
    any_day: bool,
    any_weekday: bool,
    follows_time: bool,
}

impl Fields {
    fn read(text: &str) -> Self {
        let ranges = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
        let words: Vec<_> = text.split(' ').collect();
        let sets = [0, 1, 2, 3, 4].map(|index| {
            let (first, last) = ranges[index];
            let mut set = BTreeSet::new();
            for part in words[index].split(',') {
                let (range, step) =
                    part.split_once('/').map_or((part, 1), |(range, step)| (range, step.parse().unwrap()));
                let (from, to) = match range.split_once('-') {
                    Some((from, to)) => (from.parse().unwrap(), to.parse().unwrap()),
                    None if range == "*" => (first, last),
                    None => (range.parse().unwrap(), range.parse().unwrap()),
                };
                set.extend((from..=to).step_by(step));
            }
            set
        });
        Self {
            sets,
            any_day: words[2].starts_with('*'),
            any_weekday: words[4].starts_with('*'),
            follows_time: words[1].starts_with('*'),
        }
    }

    fn fits(&self, time: DateTime) -> bool {
        let has = |index: usize, value: i32| self.sets[index].contains(&u32::try_from(value).unwrap());
        let weekday = i32::from(time.weekday().to_sunday_zero_offset());
        let (day, weekday) = (has(2, time.day().into()), has(4, weekday) || (weekday == 0 && has(4, 7)));
        let day = match (self.any_day, self.any_weekday) {
            (false, false) => day || weekday,
            _ => day && weekday,
        };
        time.second() == 0
            && has(0, time.minute().into())
            && has(1, time.hour().into())
            && has(3, time.month().into())
            && day
    }
}

/// Every time that it is due, by looking at each half minute.
fn oracle(fields: &Fields, zone: &TimeZone, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let mut due = BTreeSet::new();
    let mut seen = BTreeSet::new();
    // What the clock showed before the stretch that is looked at.
    let before = after.checked_sub(4.hours()).unwrap();
    let mut moment = Timestamp::from_second(before.as_second().div_euclid(60) * 60).unwrap();
    let mut last = zone.to_datetime(moment.checked_sub(30.seconds()).unwrap());
    while moment <= until {
        let time = zone.to_datetime(moment);
        let jump = time.duration_since(last);
        if !fields.follows_time && jump > SignedDuration::from_secs(30) {
            let mut skipped = last.checked_add(30.seconds()).unwrap();
            while skipped < time {
                if fields.fits(skipped) {
                    due.insert(moment);
                }
                skipped = skipped.checked_add(30.seconds()).unwrap();
            }
        }
        let is_new = seen.insert(time);
        if fields.fits(time) && (is_new || fields.follows_time) {
            due.insert(moment);
        }
        last = time;
        moment = moment.checked_add(30.seconds()).unwrap();
    }
    due.into_iter().filter(|moment| *moment > after).collect()
}

/// Both changes in Europe, America and on Lord Howe Island, whose clock moves by half an hour; none in Kathmandu.
const STRETCHES: [(&str, &str, &str); 7] = [
    ("Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"),
    ("Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"),
    ("America/New_York", "2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z"),
    ("America/New_York", "2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-03T12:00:00Z", "2026-04-05T12:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-02T12:00:00Z", "2026-10-04T12:00:00Z"),
    ("Asia/Kathmandu", "2028-02-28T00:00:00Z", "2028-03-01T12:00:00Z"),
];

fn check(text: &str, zone: &str, after: Timestamp, until: Timestamp) {
    let time_zone = TimeZone::get(zone).unwrap();
    let schedule = Schedule::parse(text, "host/backup", time_zone.clone()).unwrap();
    let due: Vec<_> = schedule.between(after, until).collect();
    assert_eq!(due, oracle(&Fields::read(text), &time_zone, after, until), "{text:?} in {zone} from {after}");
}

#[test]
fn a_schedule_is_due_as_the_clock_shows_it_through_every_change() {
    let texts = [
        "*/15 * * * *",
        "0 * * * *",
        "30 2 * * *",
        "0 2,3 * * *",
        "15 */2 * * *",
        "0 0 * * *",
        "45 1-3 * * *",
        "*/20 2 * * *",
        "59 1 * * *",
        "0 3 * * *",
        "30 1 * * 0",
        "5 4 29 2 *",
        "0 12 1 * 1",
    ];
    for (zone, after, until) in STRETCHES {
        for text in texts {
            check(text, zone, after.parse().unwrap(), until.parse().unwrap());
        }
    }
}

fn field(first: u32, last: u32) -> impl Strategy<Value = String> {
    let number = first..=last;
    prop_oneof![
        3 => Just("*".to_owned()),
        3 => number.clone().prop_map(|number| number.to_string()),
        1 => (2..=6_u32).prop_map(|step| format!("*/{step}")),
        1 => (number.clone(), number).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_is_due_when_the_oracle_says(
        minute in 0..60_u32, hour in field(0, 23), day in field(1, 31), weekday in field(0, 7), stretch in 0..STRETCHES.len(), offset in 0..86_400_i64,
    ) {
        let (zone, after, until) = STRETCHES[stretch];
        let (after, until): (Timestamp, Timestamp) = (after.parse().unwrap(), until.parse().unwrap());
        check(&format!("{minute} {hour} {day} * {weekday}"), zone, after + offset.seconds(), until);
    }

    #[test]
    fn the_last_time_is_the_last_of_all(minute in 0..60_u32, hour in field(0, 23), seconds in 0..10_000_000_i64, within in 1..40_i64) {
        let schedule = Schedule::parse(&format!("{minute} {hour} * * *"), "x", TimeZone::get("Europe/Berlin").unwrap()).unwrap();
        let now = Timestamp::from_second(1_790_000_000 + seconds).unwrap();
        let within = SignedDuration::from_hours(within);
        prop_assert_eq!(schedule.last_before(now, within), schedule.between(now - within, now).last());
    }
}

#[test]
fn words_stand_for_fields_and_random_ones_are_stable_and_spread() {
    let parse = |text: &str, owner: &str| Schedule::parse(text, owner, TimeZone::UTC).unwrap();
    assert_eq!(parse("@daily", "a").fields(), "0 0 * * *");
    assert_eq!(parse("@weekly", "a").fields(), "0 0 * * 0");
    assert_eq!(parse("@daily-random", "host/a").fields(), parse("@daily-random", "host/a").fields());
    let hours: BTreeSet<_> = (0..500)
        .map(|number| parse("@daily-random", &format!("host/{number}")).fields().split(' ').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(hours.len(), 24, "{hours:?}");
    for (text, words) in [
        ("@dayly", "unknown schedule \"@dayly\"; known: @yearly, @monthly, @weekly, @daily, @hourly"),
        ("0 3 * *", "five fields"),
        ("0 3 * * * UTC", "has 6"),
        ("61 3 * * *", "is no schedule"),
        ("0 3 31 2 *", "is never due"),
        ("", "five fields"),
    ] {
        let error = Schedule::parse(text, "a", TimeZone::UTC).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains('\n'), "{text:?}: {error}");
    }
    assert!(parse("0 3 29 2 *", "a").next_after("2026-01-01T00:00:00Z".parse().unwrap()).is_some());
}

#[test]
fn the_longest_interval_counts_pauses() {
    let longest = |text: &str| {
        let schedule = Schedule::parse(text, "a", TimeZone::UTC).unwrap();
        schedule.longest_interval("2026-01-01T00:00:00Z".parse().unwrap()).unwrap().as_hours()
    };
    assert_eq!(longest("0 3 * * *"), 24);
    assert_eq!(longest("0 3 * * 1-5"), 72);
    assert_eq!(longest("@hourly"), 1);
    assert_eq!(longest("*/5 8-18 * * 1-5"), 61);
    assert_eq!(longest("0 8,12 * * *"), 20);
    assert_eq!(longest("0 3 1 * *"), 31 * 24);
    assert_eq!(longest("* * * * *"), 0);
}

#[test]
fn jitter_is_stable_and_within_its_limit() {
    let (due, most) = ("2026-01-01T00:00:00Z".parse().unwrap(), SignedDuration::from_mins(10));
    let shares: Vec<_> = (0..200).map(|number| jitter(&number.to_string(), due, most)).collect();
    assert!(shares.iter().all(|share| *share >= SignedDuration::ZERO && *share <= most));
    assert!(shares.iter().any(|share| *share > most / 2) && shares.iter().any(|share| *share < most / 2));
    assert_eq!(jitter("7", due, most), shares[7]);
}
