//! When backups are due: a pure decision over time, by the clock of a time zone.
//!
//! A schedule is five fields of cron (crontab(5)): minute, hour, day of the month, month, day of the week; or a word for them. What it
//! names are times of the local clock. Where that is set forward, what falls into the gap is due once, at its end; where it is set back,
//! what falls into the repeated hour is due once, the first time. A schedule that is due every hour, or every few hours, is due in the
//! repeated hour as well, and not in the gap: it follows elapsed time.

use std::fmt;

use cronexpr::{Crontab, MakeTimestamp};
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use sha2::{Digest, Sha256};

/// When something is due.
#[derive(Clone)]
pub struct Schedule {
    /// As it was written.
    text: String,
    /// Its five fields, for a clock that is never set.
    fields: String,
    crontab: Crontab,
    /// Whether its hours are all hours, or every few: then it follows elapsed time.
    follows_time: bool,
    zone: TimeZone,
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ScheduleError {
    /// What is wrong, in one line.
    pub message: String,
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schedule").field("text", &self.text).field("fields", &self.fields).finish_non_exhaustive()
    }
}

/// The words, and what they stand for. `@daily` is midnight, as in crontab(5).
const WORDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// Days of a month that every month has.
const DAYS: u64 = 28;

impl Schedule {
    /// Reads a schedule. `owner` is what it is for and on which host: the words with `-random` stand for a time that is always
    /// the same for one owner, and another one for the next.
    ///
    /// # Errors
    /// If it is neither five fields nor a word that is known, or is never due.
    pub fn parse(text: &str, owner: &str, zone: TimeZone) -> Result<Self, ScheduleError> {
        let wrong = |message: String| ScheduleError { message };
        let text = text.trim();
        let fields = match text.strip_prefix('@') {
            None => text.to_owned(),
            Some(_) => word(text, owner).ok_or_else(|| {
                let known =
                    WORDS.iter().map(|(word, _)| *word).filter(|word| !["@annually", "@midnight"].contains(word));
                wrong(format!(
                    "unknown schedule \"{text}\"; known: {}, and with -random a time of its own",
                    known.collect::<Vec<_>>().join(", ")
                ))
            })?,
        };
        let count = fields.split_whitespace().count();
        if count != 5 {
            return Err(wrong(format!(
                "a schedule has five fields (minute, hour, day of the month, month, day of the week), and \"{text}\" has {count}"
            )));
        }
        let crontab = cronexpr::parse_crontab(&format!("{fields} UTC"))
            .map_err(|error| wrong(format!("\"{text}\" is no schedule: {}", one_line(&error.to_string()))))?;
        let follows_time = fields.split_whitespace().nth(1).is_some_and(|hours| hours.starts_with('*'));
        let schedule = Self { text: text.to_owned(), fields, crontab, follows_time, zone };
        // 29 February may be eight years away.
        let start = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC).datetime();
        match schedule.next_civil(start) {
            Some(_) => Ok(schedule),
            None => Err(wrong(format!("\"{text}\" is never due: there is no such day"))),
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its five fields; of a word what it stands for.
    pub fn fields(&self) -> &str {
        &self.fields
    }

    /// The time zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// When it is due next, after this moment. `None` only at the end of the calendar.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        // Between two changes of the clock its time is that of a fixed offset: one such stretch after the other.
        let mut offset = self.zone.to_offset(moment);
        let mut after = offset.to_datetime(moment);
        if !self.follows_time {
            after = after.max(self.repeated_until(moment).unwrap_or(after));
        }
        for change in self.zone.following(moment) {
            let found = self.next_civil(after)?;
            let due = offset.to_timestamp(found).ok()?;
            if due < change.timestamp() {
                return Some(due);
            }
            let (old, new) = (offset.to_datetime(change.timestamp()), change.offset().to_datetime(change.timestamp()));
            if !self.follows_time && found < new {
                return Some(change.timestamp());
            }
            offset = change.offset();
            // From there on, that moment included.
            after = just_before(if self.follows_time { new } else { new.max(old) })?;
        }
        offset.to_timestamp(self.next_civil(after)?).ok()
    }

    /// Every time that it is due after the one moment and not after the other.
    pub fn between(&self, after: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
        let mut last = after;
        std::iter::from_fn(move || {
            last = self.next_after(last).filter(|due| *due <= until)?;
            Some(last)
        })
    }

    /// When it was due last, not after this moment and not longer ago than `within`.
    pub fn last_before(&self, moment: Timestamp, within: SignedDuration) -> Option<Timestamp> {
        let start = moment.checked_sub(within).ok()?;
        // Half the way as long as there is one in the later half: few steps also for a schedule of every minute.
        let (mut from, mut found) = (start, self.next_after(start).filter(|due| *due <= moment)?);
        loop {
            let left = moment.duration_since(found.max(from));
            let middle = found.checked_add(left / 2).ok()?;
            match self.next_after(middle).filter(|due| *due <= moment) {
                Some(later) => (from, found) = (middle, later),
                None => break,
            }
        }
        self.between(found, moment).last().or(Some(found))
    }

    /// The longest time between two of the next times that it is due, nights and weekends included: how old something may become
    /// that is made by it. Looked at are the next five weeks, or as long as it takes to see some pauses.
    pub fn longest_interval(&self, from: Timestamp) -> Option<SignedDuration> {
        const SPAN: SignedDuration = SignedDuration::from_hours(36 * 24);
        const DAYS_SEEN: u32 = 4;
        let first = self.next_after(from)?;
        let (mut longest, mut last) = (SignedDuration::ZERO, first);
        // Within a day it is due at the same times each day: those of one day are enough.
        let end = self.last_of_day(first)?;
        for next in self.between(first, end) {
            longest = longest.max(next.duration_since(last));
            last = next;
        }
        let mut days = 0;
        while let Some(next) = self.next_after(last) {
            longest = longest.max(next.duration_since(last));
            last = self.last_of_day(next)?;
            days += 1;
            if days >= DAYS_SEEN && next.duration_since(first) > SPAN {
                break;
            }
        }
        Some(longest)
    }

    /// When it is due last on the day of this moment, at which it is due.
    fn last_of_day(&self, moment: Timestamp) -> Option<Timestamp> {
        let end = moment.to_zoned(self.zone.clone()).end_of_day().ok()?.timestamp();
        self.last_before(end, end.duration_since(moment).saturating_add(SignedDuration::from_secs(1)))
    }

    /// The next match of the fields after this time of a clock that is never set.
    fn next_civil(&self, after: DateTime) -> Option<DateTime> {
        let after = Offset::UTC.to_timestamp(after).ok()?;
        Some(self.crontab.find_next(MakeTimestamp(after)).ok()?.datetime())
    }

    /// In an hour that the clock repeats: the local time up to which everything was there before, but for that itself.
    fn repeated_until(&self, moment: Timestamp) -> Option<DateTime> {
        // The change itself belongs to the time after it.
        let change = self.zone.preceding(moment.checked_add(1.nanosecond()).ok()?).next()?;
        let before = self.zone.to_offset(change.timestamp().checked_sub(1.nanosecond()).ok()?);
        just_before(before.to_datetime(change.timestamp()))
    }
}

/// The five fields that a word stands for.
fn word(text: &str, owner: &str) -> Option<String> {
    if let Some((_, fields)) = WORDS.iter().find(|(word, _)| *word == text) {
        return Some((*fields).to_owned());
    }
    let digest = Sha256::digest(owner.as_bytes());
    let pick = |index: usize, choices: u64| {
        let bytes = [0, 1, 2, 3].map(|byte| digest[4 * index + byte]);
        u64::from(u32::from_be_bytes(bytes)) % choices
    };
    let (minute, hour) = (pick(0, 60), pick(1, 24));
    Some(match text {
        "@hourly-random" => format!("{minute} * * * *"),
        "@daily-random" => format!("{minute} {hour} * * *"),
        "@weekly-random" => format!("{minute} {hour} * * {}", pick(2, 7)),
        "@monthly-random" => format!("{minute} {hour} {} * *", pick(3, DAYS) + 1),
        _ => return None,
    })
}

fn just_before(time: DateTime) -> Option<DateTime> {
    time.checked_sub(1.nanosecond()).ok()
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A share of `most` that is the same for one owner and moment, and spread evenly over others.
pub fn jitter(owner: &str, due: Timestamp, most: SignedDuration) -> SignedDuration {
    let digest = Sha256::digest(format!("{owner} {}", due.as_second()).as_bytes());
    let share = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    let milliseconds = most.as_millis().clamp(0, i128::from(i64::MAX)) * i128::from(share) / i128::from(u32::MAX);
    SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX))
}
