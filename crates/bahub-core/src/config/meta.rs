//! What a schema cannot express about `meta`: names, levels, times.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo};
use serde_json::Value;

use super::error::ConfigErrorKind;
use super::finding::Finding;
use super::model::{CompressionEntry, HookEntry, RetentionEntry, Timeout};
use super::scheduling;
use crate::compression::{Algorithm, Compression};
use crate::hook::Hook;
use crate::retention::{Period, Retention};

/// Checks an entry of `backups`, leaving out values that are not filled in yet.
pub(super) fn check(name: &str, pointer: &str, entry: &Value, open: &BTreeSet<String>) -> Vec<Finding> {
    let at = |below: &str| {
        let value = entry.pointer(below)?;
        let pointer = format!("{pointer}{below}");
        (!open.contains(&pointer)).then_some((pointer, value))
    };
    let mut findings = Vec::new();
    if let Some(problem) = no_folder_name(name) {
        findings.push(
            wrong(pointer, format!("the name of a backup {problem}")).on_key().help("it becomes the name of a folder"),
        );
    }
    if let Some((pointer, Value::String(id))) = at("/meta/collection_id")
        && let Some(problem) = no_folder_name(id)
    {
        findings.push(wrong(pointer, format!("\"collection_id\" {problem}")).help("it becomes the name of a folder"));
    }
    if let Some((pointer, Value::String(text))) = at("/meta/timeout")
        && let Err(problem) = span(text)
    {
        let help = "write seconds, or a duration like 90m or 2h30m";
        findings.push(wrong(pointer, format!("\"timeout\" {problem}")).help(help));
    }
    if let Some((pointer, Value::String(text))) = at("/meta/retention/keep_within")
        && let Err(problem) = within(text)
    {
        findings.push(
            wrong(pointer, format!("\"keep_within\" {problem}")).help("write a duration like 30d, 8 weeks or 6 months"),
        );
    }
    if let Some((pointer, Value::String(text))) = at("/meta/max_age")
        && let Err(problem) = age(text)
    {
        findings.push(wrong(pointer, format!("\"max_age\" {problem}")).help("write a duration like 26h or 3 days"));
    }
    for list in ["tags", "notify"] {
        let pointer = format!("{pointer}/meta/{list}");
        if open.range(format!("{pointer}/")..).next().is_some_and(|open| open.starts_with(&format!("{pointer}/"))) {
            let finding = wrong(pointer, format!("\"{list}\" cannot hold variables")).on_key();
            findings.push(finding.help("write the names themselves: they are looked up before anything is filled in"));
        }
    }
    if let Some((pointer, Value::Object(rules))) = at("/meta/retention")
        && !rules
            .iter()
            .any(|(rule, value)| rule.starts_with("keep_") && rule != "keep_tags" && value.as_u64() != Some(0))
    {
        let finding = wrong(pointer, "\"retention\" has no rule that keeps anything".to_owned()).on_key();
        findings.push(
            finding
                .help("set keep_daily, keep_weekly, ... or keep_within; without \"retention\" all versions are kept"),
        );
    }
    if let Some((pointer, Value::String(name))) = at("/meta/time_zone")
        && time_zone(name).is_none()
    {
        let help =
            "write a name like Europe/Berlin or UTC; the system's database of time zones (tzdata) has to be there";
        findings.push(wrong(pointer, format!("there is no time zone \"{name}\"")).help(help));
    }
    findings.extend(scheduling::check(pointer, entry, open));
    for (index, hook) in entry.pointer("/meta/hooks").and_then(Value::as_array).into_iter().flatten().enumerate() {
        findings.extend(check_hook(&format!("{pointer}/meta/hooks/{index}"), hook, open));
    }
    let settings = (at("/meta/compression/level"), at("/meta/compression"));
    if let (Some((pointer, level)), Some((_, compression))) = settings
        && let Some(level) = level.as_i64()
    {
        findings.extend(wrong_level(pointer, level, compression.get("algorithm").map_or(Some("zstd"), Value::as_str)));
    }
    findings
}

fn check_hook(pointer: &str, hook: &Value, open: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let at = format!("{pointer}/timeout");
    if let Some(Value::String(text)) = hook.get("timeout")
        && !open.contains(&at)
        && let Err(problem) = span(text)
    {
        findings.push(wrong(at, format!("\"timeout\" {problem}")).help("write seconds, or a duration like 5m"));
    }
    let text = |key: &str| hook.get(key).and_then(Value::as_str);
    if text("on_error") == Some("abort") && text("when").is_some_and(|when| when != "before") {
        let finding = wrong(format!("{pointer}/on_error"), "only a hook before a run can end it".to_owned());
        findings.push(finding.help("set on_error to warn or ignore"));
    }
    findings
}

/// The hooks of a backup, in order.
pub(super) fn hooks(entries: &[HookEntry]) -> Vec<Hook> {
    let hook = |entry: &HookEntry| {
        let mut hook = Hook::new(entry.when, &entry.command);
        hook.around = entry.around;
        hook.location = entry.location;
        hook.timeout = entry.timeout.as_ref().and_then(timeout).unwrap_or(Hook::TIMEOUT);
        hook.on_error = entry.on_error.unwrap_or(hook.on_error);
        hook
    };
    entries.iter().map(hook).collect()
}

fn wrong_level(pointer: String, level: i64, algorithm: Option<&str>) -> Option<Finding> {
    let (algorithm, most) = match algorithm? {
        "zstd" => ("zstd", 19),
        "gzip" => ("gzip", 9),
        "none" => {
            return Some(wrong(pointer, "\"none\" has no level".to_owned()).on_key().help("remove \"level\""));
        }
        _ => return None,
    };
    (!(1..=most).contains(&level)).then(|| {
        wrong(pointer, format!("{algorithm} has no level {level}")).help(format!("its levels are 1 to {most}"))
    })
}

fn wrong(pointer: impl Into<String>, message: String) -> Finding {
    Finding::new(ConfigErrorKind::WrongValue, pointer, message)
}

fn no_folder_name(name: &str) -> Option<&'static str> {
    if name.trim().is_empty() {
        Some("must not be empty")
    } else if name.contains(['/', '\\']) {
        Some("must not contain slashes")
    } else if name.chars().any(char::is_control) {
        Some("must not contain control characters")
    } else if name == "." || name.contains("..") {
        Some("must not be \".\" or contain \"..\"")
    } else {
        None
    }
}

pub(super) fn span(text: &str) -> Result<Duration, &'static str> {
    if let Ok(seconds) = text.parse::<u64>() {
        return if seconds > 0 { Ok(Duration::from_secs(seconds)) } else { Err("must be greater than zero") };
    }
    let span: jiff::SignedDuration = text.parse().map_err(|_| "is not a duration")?;
    match Duration::try_from(span) {
        Ok(span) if !span.is_zero() => Ok(span),
        _ => Err("must be greater than zero"),
    }
}

/// How far back all versions are kept.
fn within(text: &str) -> Result<Span, &'static str> {
    let span: Span = text.parse().map_err(|_| "is not a duration")?;
    if span.is_positive() { Ok(span) } else { Err("must be greater than zero") }
}

/// How old something may be; a day is 24 hours.
pub(super) fn age(text: &str) -> Result<Duration, &'static str> {
    let span: Span = text.parse().map_err(|_| "is not a duration")?;
    let age = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| "must be in weeks, days or less")?;
    match Duration::try_from(age) {
        Ok(age) if !age.is_zero() => Ok(age),
        _ => Err("must be greater than zero"),
    }
}

/// The time zone of this name, out of the system's database.
pub(super) fn time_zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

/// Which versions are kept; what [`check`] refuses is no rule.
pub(super) fn retention(entry: &RetentionEntry) -> Retention {
    let periods = [
        (Period::Hour, entry.keep_hourly),
        (Period::Day, entry.keep_daily),
        (Period::Week, entry.keep_weekly),
        (Period::Month, entry.keep_monthly),
        (Period::Quarter, entry.keep_quarterly),
        (Period::Year, entry.keep_yearly),
    ];
    Retention {
        last: entry.keep_last.unwrap_or(0),
        periods: periods.into_iter().filter_map(|(period, count)| Some((period, count?))).collect(),
        within: entry.keep_within.as_deref().and_then(|text| within(text).ok()),
        tags: entry.keep_tags.clone(),
        at_least: entry.min_keep.unwrap_or(1),
        min_size_ratio: entry.min_size_ratio,
    }
}

/// The limit of a run; `None` for a text that [`check`] refuses.
pub(super) fn timeout(timeout: &Timeout) -> Option<Duration> {
    match timeout {
        Timeout::Seconds(seconds) => Some(Duration::from_secs(*seconds)),
        Timeout::Span(text) => span(text).ok(),
    }
}

/// The compression as configured; where nothing is, the original's `gzip_args` of the adapter choose gzip.
pub(super) fn compression(entry: Option<&CompressionEntry>, spec: &Value) -> Compression {
    match entry {
        Some(CompressionEntry::Name(algorithm)) => Compression::new(*algorithm),
        Some(CompressionEntry::Settings(settings)) => {
            let default = Compression::new(settings.algorithm);
            Compression { level: settings.level.unwrap_or(default.level), threads: settings.threads, ..default }
        }
        None => match spec.get("gzip_args").and_then(Value::as_str) {
            Some(args) => Compression { level: gzip_level(args), ..Compression::new(Algorithm::Gzip) },
            None => Compression::default(),
        },
    }
}

/// The level that gzip's options choose; the last one counts.
fn gzip_level(args: &str) -> i32 {
    let level = args.split_whitespace().rev().find_map(|arg| match arg {
        "--fast" => Some(1),
        "--best" => Some(9),
        _ => arg.strip_prefix('-')?.parse().ok().filter(|level| (1..=9).contains(level)),
    });
    level.unwrap_or(Compression::GZIP_LEVEL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_args_choose_the_level_of_gzip() {
        for (args, level) in [("-3", 3), ("-9", 9), ("--best", 9), ("-1 -n", 1), ("", 3), ("-99", 3)] {
            assert_eq!(gzip_level(args), level, "{args}");
        }
    }

    #[test]
    fn a_timeout_is_seconds_or_a_span() {
        for (text, seconds) in [("90", 90), ("2h30m", 9000), ("1m", 60), ("1 hour 1 minute", 3660)] {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "0", "soon", "-5m", "0s"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_age_may_be_of_days() {
        for (text, hours) in [("26h", 26), ("3 days", 72), ("1w", 168), ("1d 2h", 26)] {
            assert_eq!(age(text), Ok(Duration::from_secs(hours * 3600)), "{text}");
        }
        for wrong in ["", "1 month", "0h", "-1d", "soon"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_that_could_leave_its_folder_is_refused() {
        for wrong in ["", " ", ".", "..", "a/b", "a\\b", "a..b", "a\nb"] {
            assert!(no_folder_name(wrong).is_some(), "{wrong:?}");
        }
        assert_eq!(no_folder_name("db mysql.1"), None);
    }
}
