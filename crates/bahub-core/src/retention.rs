//! Which versions a retention policy keeps, and why: a pure decision over a listing.
//!
//! The rules for periods are those of restic's `forget` (its manual, "Removing snapshots according to a policy"): of each
//! hour, day, week, ... the newest version is kept, for as many of these as the rule says; where there are not yet so many,
//! the oldest version is kept in addition. Only good versions count, and what is not good is never taken for one: partial,
//! damaged, or dated in the future.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::ISOWeekDate;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, Zoned};

use crate::sink::{Version, VersionNumber};

/// How far the clock that dated a version may be ahead of this host's before that counts as the future.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// What to keep. Without a rule all versions are kept.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Retention {
    /// As many of the newest.
    pub last: u32,
    /// The newest of each period, for as many periods.
    pub periods: BTreeMap<Period, u32>,
    /// All that were made within this time before the newest.
    pub within: Option<Span>,
    /// All versions with one of these words.
    pub tags: Vec<String>,
    /// Good versions that stay in any case; at least 1.
    pub at_least: u32,
    /// Nothing is removed while the newest good version is smaller than this share of the median of the other good ones.
    pub min_size_ratio: Option<f64>,
}

impl Retention {
    /// Whether it removes nothing at all: words add to rules, and are none.
    pub fn is_empty(&self) -> bool {
        self.last == 0 && self.within.is_none() && self.periods.values().all(|&count| count == 0)
    }

    /// Decides about each version of a collection, newest number first. The order of `versions` does not matter; periods
    /// are those of the time zone.
    pub fn decide(&self, versions: &[Version], now: Timestamp, zone: &TimeZone) -> Decision {
        let mut sorted: Vec<_> = versions.iter().collect();
        sorted.sort_by_key(|version| std::cmp::Reverse(version.number));
        let mut kept: BTreeMap<VersionNumber, Vec<Reason>> = BTreeMap::new();
        let mut good = Vec::new();
        for version in &sorted {
            match standing(version, now) {
                Standing::Good(created) => good.push((created, *version)),
                Standing::Kept(reason) => kept.entry(version.number).or_default().push(reason),
                Standing::Partial => {}
            }
        }
        // By time; of the same time the greater number is the newer.
        good.sort_by_key(|(created, version)| std::cmp::Reverse((*created, version.number)));
        for (number, reason) in self.rules(&good, zone) {
            kept.entry(number).or_default().push(reason);
        }
        for version in &sorted {
            if let Some(tag) = version.tags.iter().find(|tag| self.tags.contains(tag)) {
                kept.entry(version.number).or_default().push(Reason::Tag(tag.clone()));
            }
        }
        let shrunk = self.shrunk(&good);
        if let Some(shrunk) = &shrunk {
            sorted
                .iter()
                .for_each(|version| kept.entry(version.number).or_default().push(Reason::Shrunk(shrunk.clone())));
        }
        self.rest(&sorted, &good, &mut kept);
        let verdicts = sorted.into_iter().map(|version| Verdict {
            version: version.clone(),
            reasons: kept.remove(&version.number).unwrap_or_default(),
        });
        Decision { verdicts: verdicts.collect(), shrunk }
    }

    /// Good versions, newest first, that a rule keeps.
    fn rules(&self, good: &[(Timestamp, &Version)], zone: &TimeZone) -> Vec<(VersionNumber, Reason)> {
        let mut kept = Vec::new();
        for (_, version) in good.iter().take(self.last as usize) {
            kept.push((version.number, Reason::Last));
        }
        for (&period, &count) in &self.periods {
            let (mut left, mut before) = (count, None);
            for (index, (created, version)) in good.iter().enumerate() {
                let this = Some(period.of(&created.to_zoned(zone.clone())));
                let is_oldest = index + 1 == good.len();
                if left == 0 || (this == before && !is_oldest) {
                    continue;
                }
                kept.push((
                    version.number,
                    if this == before { Reason::Oldest(period) } else { Reason::Period(period) },
                ));
                before = this;
                left -= 1;
            }
        }
        if let (Some(span), Some((newest, _))) = (&self.within, good.first()) {
            // A span that leads out of the calendar reaches everything.
            let since =
                newest.to_zoned(zone.clone()).checked_sub(*span).map_or(Timestamp::MIN, |since| since.timestamp());
            let within = good.iter().filter(|(created, _)| *created > since);
            kept.extend(within.map(|(_, version)| (version.number, Reason::Within)));
        }
        kept
    }

    /// What no rule decides: the newest good versions stay, and so does what is not good and newer than they are.
    fn rest(
        &self,
        sorted: &[&Version],
        good: &[(Timestamp, &Version)],
        kept: &mut BTreeMap<VersionNumber, Vec<Reason>>,
    ) {
        if self.is_empty() {
            sorted.iter().for_each(|version| kept.entry(version.number).or_default().push(Reason::NoRule));
            return;
        }
        let newest_good = good.iter().map(|(_, version)| version.number).max();
        for version in sorted {
            let reason = if newest_good == Some(version.number) { Reason::Newest } else { Reason::Newer };
            if newest_good.is_none_or(|newest| version.number >= newest) {
                kept.entry(version.number).or_default().push(reason);
            }
        }
        let missing = self.at_least.max(1) as usize;
        for (_, version) in good.iter().take(missing) {
            let reasons = kept.entry(version.number).or_default();
            if reasons.is_empty() {
                reasons.push(Reason::AtLeast);
            }
        }
    }

    /// Whether the newest good version is suspiciously small.
    fn shrunk(&self, good: &[(Timestamp, &Version)]) -> Option<Shrunk> {
        let ratio = self.min_size_ratio?;
        let ((_, newest), others) = good.split_first()?;
        let mut sizes: Vec<_> = others.iter().map(|(_, version)| version.size).collect();
        sizes.sort_unstable();
        let median = *sizes.get(sizes.len() / 2)?;
        #[expect(clippy::cast_precision_loss, reason = "a ratio of sizes needs no exact one")]
        let is_small = (newest.size as f64) < median as f64 * ratio;
        is_small.then_some(Shrunk { version: newest.number, size: newest.size, usual: median })
    }
}

/// What a version is worth before any rule.
enum Standing {
    Good(Timestamp),
    /// It counts for nothing, and a newer good one replaces it.
    Partial,
    /// It counts for nothing and is never removed.
    Kept(Reason),
}

fn standing(version: &Version, now: Timestamp) -> Standing {
    match version.created {
        _ if version.damage.is_some() => Standing::Kept(Reason::Damaged),
        None => Standing::Kept(Reason::Undated),
        Some(created) if created.duration_since(now) > SKEW => Standing::Kept(Reason::Future),
        Some(_) if version.missing > 0 => Standing::Partial,
        Some(created) => Standing::Good(created),
    }
}

/// A period of the calendar. Its name in a configuration is `keep_hourly`, `keep_daily`, ...
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Period {
    /// An hour of the clock; where the clock is set back, both hours of the same name are one.
    Hour,
    /// A day.
    Day,
    /// A week of ISO 8601, which begins on Monday.
    Week,
    /// A month.
    Month,
    /// Three months, of which the first begins with the year.
    Quarter,
    /// A year.
    Year,
}

impl Period {
    /// Numbers that are equal within one period and differ between two.
    fn of(self, time: &Zoned) -> (i16, i16, i8) {
        let (year, month) = (time.year(), i16::from(time.month()));
        match self {
            Self::Hour => (year, time.day_of_year(), time.hour()),
            Self::Day => (year, time.day_of_year(), 0),
            Self::Week => {
                let week = ISOWeekDate::from(time.date());
                (week.year(), week.week().into(), 0)
            }
            Self::Month => (year, month, 0),
            Self::Quarter => (year, (month - 1) / 3, 0),
            Self::Year => (year, 0, 0),
        }
    }
}

/// Why a version is kept.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// One of the newest, of which `keep_last` keeps some.
    Last,
    /// The newest of its period.
    Period(Period),
    /// The oldest of all, in place of periods before it.
    Oldest(Period),
    /// Made within `keep_within` before the newest.
    Within,
    /// It has a word that `keep_tags` names.
    Tag(String),
    /// One of the newest good ones, of which there are no more than `min_keep`.
    AtLeast,
    /// The newest good one.
    Newest,
    /// Not good, but newer than any that is: perhaps all that there is of that time.
    Newer,
    /// Its description cannot be read: what it is worth is for people to decide.
    Damaged,
    /// It is dated in the future, so that nobody knows its age.
    Future,
    /// The store does not say when it was made.
    Undated,
    /// There is no rule.
    NoRule,
    /// The newest good version is suspiciously small, so that nothing is removed.
    Shrunk(Shrunk),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("one of the newest"),
            Self::Period(period) => write!(f, "{}", period.adjective()),
            Self::Oldest(period) => write!(f, "{} (the oldest)", period.adjective()),
            Self::Within => f.write_str("within keep_within"),
            Self::Tag(tag) => write!(f, "tag {tag:?}"),
            Self::AtLeast => f.write_str("min_keep"),
            Self::Newest => f.write_str("newest good version"),
            Self::Newer => f.write_str("newer than any good version"),
            Self::Damaged => f.write_str("damaged"),
            Self::Future => f.write_str("dated in the future"),
            Self::Undated => f.write_str("without a date"),
            Self::NoRule => f.write_str("no rule"),
            Self::Shrunk(shrunk) => shrunk.fmt(f),
        }
    }
}

impl Period {
    fn adjective(self) -> &'static str {
        match self {
            Self::Hour => "hourly",
            Self::Day => "daily",
            Self::Week => "weekly",
            Self::Month => "monthly",
            Self::Quarter => "quarterly",
            Self::Year => "yearly",
        }
    }
}

/// A good version that is much smaller than the others.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shrunk {
    /// Which.
    pub version: VersionNumber,
    /// Its bytes.
    pub size: u64,
    /// The median of the bytes of the others.
    pub usual: u64,
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has {} bytes where {} are usual", self.version, self.size, self.usual)
    }
}

/// What becomes of one version.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Verdict {
    /// The version.
    pub version: Version,
    /// Why it is kept; none if it is to be removed.
    pub reasons: Vec<Reason>,
}

impl Verdict {
    /// Whether it is kept.
    pub fn is_kept(&self) -> bool {
        !self.reasons.is_empty()
    }
}

/// What becomes of each version of a collection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Decision {
    /// Newest number first.
    pub verdicts: Vec<Verdict>,
    /// Why nothing is removed although rules say so.
    pub shrunk: Option<Shrunk>,
}

impl Decision {
    /// What is to be removed, the oldest first: a run that is cut off has then removed what is worth least.
    pub fn removals(&self) -> impl Iterator<Item = &Version> {
        self.verdicts.iter().rev().filter(|verdict| !verdict.is_kept()).map(|verdict| &verdict.version)
    }
}
