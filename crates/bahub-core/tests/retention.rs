//! What a retention policy keeps: against an oracle, and what must hold whatever the policy.

#![expect(clippy::unwrap_used, reason = "a test states what must hold")]

use std::collections::{BTreeMap, BTreeSet};

use bahub_core::retention::{Period, Reason, Retention};
use bahub_core::sink::{Version, VersionNumber};
use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan};
use proptest::prelude::*;

const PERIODS: [Period; 6] = [Period::Hour, Period::Day, Period::Week, Period::Month, Period::Quarter, Period::Year];

fn version(number: u64, created: Timestamp, size: u64) -> Version {
    Version::new(VersionNumber(number), size, format!("v{number}")).with_created(created)
}

/// restic's `forget`, written anew from its manual: for each rule by itself, walk from the newest to the oldest, and keep the
/// newest of each period until the rule is used up; the last one of all is kept if the rule is not used up by then.
fn oracle(policy: &Retention, versions: &[Version], zone: &TimeZone) -> BTreeSet<u64> {
    let mut walk: Vec<_> = versions.iter().map(|version| (version.created.unwrap(), version.number.0)).collect();
    walk.sort();
    walk.reverse();
    let mut kept = BTreeSet::new();
    kept.extend(walk.iter().take(policy.last as usize).map(|(_, number)| *number));
    for (period, count) in &policy.periods {
        let name = |at: &Timestamp| {
            let at = at.to_zoned(zone.clone());
            match period {
                Period::Hour => at.strftime("%Y-%m-%d %H").to_string(),
                Period::Day => at.strftime("%Y-%m-%d").to_string(),
                Period::Week => at.strftime("%G-%V").to_string(),
                Period::Month => at.strftime("%Y-%m").to_string(),
                Period::Quarter => format!("{} {}", at.year(), (at.month() + 2) / 3),
                _ => at.year().to_string(),
            }
        };
        let mut names = Vec::<String>::new();
        for (index, (at, number)) in walk.iter().enumerate() {
            let is_new = names.last() != Some(&name(at));
            let is_oldest = index == walk.len() - 1;
            if names.len() < *count as usize && (is_new || is_oldest) {
                names.push(name(at));
                kept.insert(*number);
            }
        }
    }
    if let (Some(span), Some((newest, _))) = (policy.within, walk.first()) {
        let since = newest.to_zoned(zone.clone()).checked_sub(span).unwrap().timestamp();
        kept.extend(walk.iter().filter(|(at, _)| *at > since).map(|(_, number)| *number));
    }
    kept
}

/// A history of a backup that runs about as often, with gaps, bursts, and a clock that goes wrong at times.
fn histories() -> impl Strategy<Value = Vec<Version>> {
    let steps = prop::collection::vec((1_i64..400_000, 1_u64..2000), 0..60);
    (steps, prop::sample::select(vec![1, 1, 1, 20, 200])).prop_map(|(steps, stretch)| {
        let mut at = date(2019, 1, 1).to_zoned(TimeZone::UTC).unwrap().timestamp();
        let numbered = (1..).zip(steps);
        let versions = numbered.map(|(number, (seconds, size))| {
            at = at.checked_add(SignedDuration::from_secs(seconds * stretch)).unwrap();
            version(number, at, size)
        });
        versions.collect()
    })
}

fn policies() -> impl Strategy<Value = Retention> {
    let within = prop::option::of((0_i64..3, 0_i64..40).prop_map(|(months, days)| months.months().days(days + 1)));
    (0_u32..6, prop::collection::vec(prop::sample::select(vec![0_u32, 0, 1, 3, 7, 30]), 6), within, 0_u32..4).prop_map(
        |(last, counts, within, at_least)| {
            let periods: BTreeMap<_, _> = PERIODS.into_iter().zip(counts).collect();
            let mut policy = Retention::default();
            (policy.last, policy.periods, policy.within, policy.at_least) = (last, periods, within, at_least);
            policy
        },
    )
}

fn zones() -> impl Strategy<Value = TimeZone> {
    let names = ["UTC", "Europe/Warsaw", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"];
    prop::sample::select(names.to_vec()).prop_map(|name| TimeZone::get(name).unwrap())
}

/// For a release `PROPTEST_CASES=100000`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2000)
}

fn now() -> Timestamp {
    date(2200, 1, 1).to_zoned(TimeZone::UTC).unwrap().timestamp()
}

fn kept(policy: &Retention, versions: &[Version], zone: &TimeZone) -> BTreeSet<u64> {
    let decision = policy.decide(versions, now(), zone);
    decision.verdicts.iter().filter(|verdict| verdict.is_kept()).map(|verdict| verdict.version.number.0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn rules_keep_what_the_oracle_keeps(versions in histories(), policy in policies(), zone in zones()) {
        prop_assume!(!policy.is_empty());
        let (kept, mut expected) = (kept(&policy, &versions, &zone), oracle(&policy, &versions, &zone));
        // What comes on top of the rules: the newest, and as many as must stay.
        expected.extend(versions.iter().rev().take(policy.at_least.max(1) as usize).map(|version| version.number.0));
        prop_assert_eq!(kept, expected);
    }

    #[test]
    fn a_second_time_removes_nothing(versions in histories(), policy in policies(), zone in zones()) {
        let once = kept(&policy, &versions, &zone);
        let left: Vec<_> = versions.into_iter().filter(|version| once.contains(&version.number.0)).collect();
        prop_assert_eq!(kept(&policy, &left, &zone), once);
    }

    #[test]
    fn the_order_of_the_listing_does_not_matter(versions in histories(), policy in policies(), seed in any::<u64>()) {
        let mut shuffled = versions.clone();
        shuffled.sort_by_key(|version| version.number.0.wrapping_mul(seed | 1));
        prop_assert_eq!(kept(&policy, &shuffled, &TimeZone::UTC), kept(&policy, &versions, &TimeZone::UTC));
    }

    #[test]
    fn never_fewer_good_ones_stay_than_must_and_never_goes_the_newest(
        versions in histories(), policy in policies(), bad in prop::collection::vec(0_u8..8, 60),
    ) {
        let spoilt = versions.into_iter().zip(bad).map(|(version, how)| match how {
            0 => version.with_damage("cut off"),
            1 => version.with_missing(1),
            2 => version.with_created(now().checked_add(SignedDuration::from_hours(24)).unwrap()),
            3 => version.with_created(None),
            _ => version,
        });
        let versions: Vec<_> = spoilt.collect();
        let is_good = |version: &&Version| {
            version.damage.is_none() && version.missing == 0 && version.created.is_some_and(|created| created < now())
        };
        let good: Vec<_> = versions.iter().filter(is_good).map(|version| version.number.0).collect();
        let kept = kept(&policy, &versions, &TimeZone::UTC);
        let stay = good.iter().filter(|number| kept.contains(number)).count();
        prop_assert!(stay >= good.len().min(policy.at_least.max(1) as usize), "{stay} of {}", good.len());
        prop_assert!(good.iter().max().is_none_or(|newest| kept.contains(newest)));
        // What nobody can judge stays, whatever its age.
        let unclear = versions.iter().filter(|version| version.damage.is_some() || version.created.is_none_or(|created| created > now()));
        prop_assert!(unclear.into_iter().all(|version| kept.contains(&version.number.0)));
    }
}

fn daily(count: u32) -> Retention {
    let mut policy = Retention::default();
    policy.periods.insert(Period::Day, count);
    policy
}

/// Versions of one day each, at noon.
fn days(count: u64) -> Vec<Version> {
    let first = date(2026, 3, 1).at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
    (0..count)
        .map(|day| {
            version(
                day + 1,
                first.checked_add(Span::new().days(i64::try_from(day).unwrap())).unwrap().timestamp(),
                1000,
            )
        })
        .collect()
}

#[test]
fn a_partial_version_takes_no_place_and_goes_when_a_good_one_has_followed() {
    let mut versions = days(5);
    versions[3].missing = 2;
    versions[4].missing = 1;
    // v4 and v5 are newer than any good one: perhaps they are all that there is of these days.
    assert_eq!(kept(&daily(2), &versions, &TimeZone::UTC), [2, 3, 4, 5].into());
    versions[4].missing = 0;
    assert_eq!(kept(&daily(2), &versions, &TimeZone::UTC), [3, 5].into());
}

#[test]
fn without_a_rule_or_with_a_version_that_has_shrunk_all_are_kept() {
    let mut versions = days(6);
    assert_eq!(kept(&Retention::default(), &versions, &TimeZone::UTC).len(), 6);
    versions[5].size = 400;
    let mut policy = daily(2);
    policy.min_size_ratio = Some(0.5);
    let decision = policy.decide(&versions, now(), &TimeZone::UTC);
    assert_eq!(decision.removals().count(), 0);
    assert_eq!(decision.shrunk.unwrap().to_string(), "v6 has 400 bytes where 1000 are usual");
    versions[5].size = 500;
    assert_eq!(policy.decide(&versions, now(), &TimeZone::UTC).removals().count(), 4);
}

#[test]
fn days_are_those_of_the_time_zone_and_the_oldest_goes_first() {
    let at = |number, day, hour| {
        version(number, date(2026, 3, day).at(hour, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp(), 1)
    };
    // In Kathmandu, at +05:45, v2 and v3 are of one day, and v1 of the day before.
    let versions = [at(1, 1, 12), at(2, 1, 19), at(3, 2, 6)];
    assert_eq!(kept(&daily(1), &versions, &TimeZone::UTC), [3].into());
    assert_eq!(kept(&daily(2), &versions, &TimeZone::UTC), [2, 3].into());
    assert_eq!(kept(&daily(2), &versions, &TimeZone::get("Asia/Kathmandu").unwrap()), [1, 3].into());
    let decision = daily(1).decide(&days(4), now(), &TimeZone::UTC);
    assert_eq!(decision.removals().map(|version| version.number.0).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(decision.verdicts[0].reasons, [Reason::Period(Period::Day), Reason::Newest]);
}
