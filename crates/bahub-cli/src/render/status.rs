//! The status and the history, for people and as JSON.

use bahub_core::display::{age, date, duration, escape, size};
use bahub_history::{NotifierHistory, PastRun};
use serde_json::{Value, json};

use super::Renderer;
use crate::failed::Failed;
use crate::status::{BackupStatus, State, Status};

/// Eight heights (Unicode block elements).
const BARS: [char; 8] =
    ['\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}'];

impl Renderer {
    /// Writes the status, which was what the user asked for.
    pub(crate) fn status(&self, status: &Status) -> Result<(), Failed> {
        if self.is_json() {
            let backups: Vec<_> = status.backups.iter().map(status_json).collect();
            return self.json_product(&json!({ "format": 1, "backups": backups, "notifiers": status.notifiers, "unusable_notifiers": status.unusable }));
        }
        let mut rows =
            vec![["BACKUP", "STATE", "NEWEST", "AGE", "SIZE", "TREND", "DOWN", "DRILL", "NEXT"].map(str::to_owned)];
        rows.extend(status.backups.iter().map(|backup| row(backup, self.style.is_utf8)));
        let mut lines = table(&rows);
        for backup in status.backups.iter().filter(|backup| !matches!(backup.state, State::Ok)) {
            lines.extend(explanation(backup));
        }
        lines.extend(status.notifiers.iter().filter_map(trouble));
        lines.extend(status.unusable.iter().map(|error| format!("a notifier cannot be used: {}", escape(error))));
        self.produce(&lines.join("\n"))
    }

    /// Writes past runs, which were what the user asked for.
    pub(crate) fn history(&self, runs: &[PastRun]) -> Result<(), Failed> {
        if self.is_json() {
            return self.json_product(&json!({ "format": 1, "runs": runs }));
        }
        if runs.is_empty() {
            return self.product("no run is known");
        }
        let mut rows = vec![["ENDED", "BACKUP", "WHAT", "OUTCOME", "VERSION", "STORED", "TOOK", ""].map(str::to_owned)];
        rows.extend(runs.iter().map(|run| {
            let error = run.error.as_deref().and_then(|error| error.lines().next()).map(escape).unwrap_or_default();
            [
                date(run.ended),
                escape(&run.backup),
                run.operation.clone(),
                run.outcome.replace('_', " "),
                run.version.clone().unwrap_or_else(|| "-".into()),
                if run.stored_bytes > 0 { size(run.stored_bytes) } else { "-".into() },
                duration(run.seconds()),
                error,
            ]
        }));
        self.produce(&table(&rows).join("\n"))
    }
}

fn status_json(status: &BackupStatus) -> Value {
    let run = |run: &Option<PastRun>| {
        run.as_ref().map(|run| {
            let mut run = serde_json::to_value(run).unwrap_or_default();
            if let Some(fields) = run.as_object_mut() {
                fields.remove("record");
            }
            run
        })
    };
    let past = &status.past;
    json!({
        "backup": status.backup,
        "state": status.state,
        "age_seconds": status.age.map(|age| age.as_secs()),
        "max_age_seconds": status.max_age.map(|age| age.as_secs()),
        "error": status.error,
        "next": status.next,
        "failing_since": past.failing_since,
        "failures": past.failures,
        "last": run(&past.last),
        "last_good": run(&past.last_good),
        "sizes": past.sizes,
        "last_drill": run(&past.last_drill),
        "last_good_drill": run(&past.last_good_drill),
    })
}

fn row(status: &BackupStatus, is_utf8: bool) -> [String; 9] {
    let past = &status.past;
    let good = past.last_good.as_ref();
    let none = || "-".to_owned();
    let drill = past.last_drill.as_ref().map(|drill| match drill.is_good() {
        true => date(drill.ended)[..10].to_owned(),
        false => "failed".to_owned(),
    });
    [
        escape(&status.backup),
        match status.state {
            State::Failing => "FAILING",
            State::Unknown => "UNKNOWN",
            State::Future => "IN THE FUTURE",
            State::Overdue => "OVERDUE",
            State::Never => "NEVER MADE",
            State::Warnings => "warnings",
            State::Ok => "ok",
        }
        .to_owned(),
        good.and_then(|run| run.version.clone()).unwrap_or_else(none),
        status.age.map_or_else(none, age),
        good.map_or_else(none, |run| size(run.stored_bytes)),
        if is_utf8 { sparkline(&past.sizes) } else { none() },
        good.and_then(|run| run.downtime_seconds).map_or_else(none, duration),
        drill.unwrap_or_else(none),
        status.next.map_or_else(none, |next| date(next)[..16].to_owned()),
    ]
}

/// Why it is not well.
fn explanation(status: &BackupStatus) -> Option<String> {
    let (name, past) = (escape(&status.backup), &status.past);
    match status.state {
        State::Failing => {
            let since = past.failing_since.map(date).unwrap_or_default();
            let error =
                past.last.as_ref().and_then(|run| run.error.as_deref()?.lines().next()).map(escape).unwrap_or_default();
            let runs = if past.failures == 1 { "1 run".to_owned() } else { format!("{} runs", past.failures) };
            Some(format!("{name}: failing since {since} ({runs}): {error}"))
        }
        State::Unknown => Some(format!("{name}: {}", escape(status.error.as_deref().unwrap_or_default()))),
        State::Future => {
            let ended = past.last_good.as_ref().map(|run| date(run.ended)).unwrap_or_default();
            Some(format!("{name}: the newest good version is dated {ended}, which is in the future: check the clock"))
        }
        State::Overdue => {
            let seconds = |span: Option<std::time::Duration>| duration(span.unwrap_or_default().as_secs_f64());
            let (age, limit) = (seconds(status.age), seconds(status.max_age));
            Some(format!("{name}: the newest good version is {age} old; max_age is {limit}"))
        }
        State::Never => Some(format!("{name}: this host has no record of a good version")),
        State::Warnings | State::Ok => {
            let warnings = past.last_good.as_ref()?.record.pointer("/report/warnings")?.as_array()?;
            let first = warnings.first()?.as_str()?;
            let more = if warnings.len() > 1 { format!(" (and {} more)", warnings.len() - 1) } else { String::new() };
            Some(format!("{name}: {}{more}", escape(first)))
        }
    }
}

fn trouble(notifier: &NotifierHistory) -> Option<String> {
    let since = date(notifier.failing_since?);
    let error = notifier.error.as_deref().map(escape).unwrap_or_default();
    Some(format!("notifier {}: has delivered nothing since {since}: {error}", escape(&notifier.name)))
}

/// A bar for each size, by its share of the largest.
fn sparkline(sizes: &[u64]) -> String {
    let largest = sizes.iter().copied().max().unwrap_or(0).max(1);
    let bar = |size: &u64| {
        let height = u128::from(*size) * (BARS.len() as u128 - 1) / u128::from(largest);
        BARS[usize::try_from(height).unwrap_or(0)]
    };
    if sizes.is_empty() { "-".to_owned() } else { sizes.iter().map(bar).collect() }
}

/// Columns as wide as their widest cell; nothing behind the last.
fn table<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_has_a_bar_for_each_size() {
        assert_eq!(sparkline(&[0, 50, 100]), "\u{2581}\u{2584}\u{2588}");
        assert_eq!(sparkline(&[0, 0]), "\u{2581}\u{2581}");
        assert_eq!(sparkline(&[]), "-");
        assert_eq!(sparkline(&[u64::MAX, 1]), "\u{2588}\u{2581}");
    }
}
