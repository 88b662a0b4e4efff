//! What is said: of a run and what came before it, a title and a text.

use std::time::Duration;

use bahub_core::display;
use bahub_core::event::Operation;
use bahub_core::exit::ExitCode;
use bahub_core::notifier::{Notification, Occasion, Past};
use bahub_core::observer::RunRecord;
use bahub_core::report::Outcome;
use jiff::Timestamp;

use crate::notifications::Phrase;

/// What a finished run is worth, the most particular first: of those that a notifier sends, the first counts.
pub(crate) fn occasions(record: &RunRecord, past: &Past) -> Vec<Occasion> {
    let is_backup = record.report.operation == Operation::Backup;
    let is_bad = record.exit_code != 0;
    if record.report.operation == Operation::Drill {
        return if is_bad { vec![Occasion::Failure, Occasion::Drill] } else { vec![Occasion::Drill] };
    }
    if is_bad {
        return vec![Occasion::Failure];
    }
    let recovered = (is_backup && past.failures > 0).then_some(Occasion::Recovered);
    let warning = (record.report.outcome == Outcome::SucceededWithWarnings).then_some(Occasion::Warning);
    recovered.into_iter().chain(warning).chain([Occasion::Success]).collect()
}

/// Writes the title and the text.
pub(crate) fn write(notification: &mut Notification, phrase: Phrase) {
    notification.title = title(notification);
    notification.body = body(notification, phrase);
}

fn title(notification: &Notification) -> String {
    let Notification { occasion, operation, host, record, .. } = notification;
    let Some(backup) = notification.backup.as_deref().map(display::escape) else {
        let is_config = record.as_ref().is_none_or(|record| record.exit == ExitCode::Config.name());
        let what = if is_config { "the configuration cannot be used" } else { "the service has a problem" };
        return format!("bahub on {host}: {what}");
    };
    let outcome = record.as_ref().map(|record| record.report.outcome);
    let undone = record.as_ref().is_none_or(|record| record.not_undone.is_empty());
    match occasion {
        Occasion::Start => format!("{backup}: {operation} started"),
        Occasion::Warning => format!("{backup}: {operation} succeeded with warnings"),
        Occasion::Recovered => format!("{backup}: {operation} works again"),
        Occasion::Overdue => format!("{backup}: {operation} is overdue"),
        Occasion::Failure | Occasion::Drill if !undone => {
            format!("{backup}: {operation} left something that was not brought back")
        }
        Occasion::Failure if outcome == Some(Outcome::Partial) => format!("{backup}: {operation} is incomplete"),
        Occasion::Failure if outcome == Some(Outcome::Unknown) => {
            format!("{backup}: it is not known how the {operation} ended")
        }
        Occasion::Failure if outcome == Some(Outcome::Cancelled) => format!("{backup}: {operation} was cancelled"),
        Occasion::Failure => format!("{backup}: {operation} failed"),
        _ if notification.is_bad() => format!("{backup}: {operation} failed"),
        _ => format!("{backup}: {operation} succeeded"),
    }
}

fn body(notification: &Notification, phrase: Phrase) -> String {
    let mut lines = Vec::new();
    if let Some(record) = &notification.record {
        match &record.error {
            Some(error) => {
                lines.push(display::escape_lines(&error.message));
                let backup = notification.backup.as_deref().unwrap_or("NAME");
                lines.extend(error.help.as_ref().map(|help| format!("What to do: {}", phrase(help, backup))));
            }
            None if record.exit_code == 0 => lines.push(display::summary(&record.report)),
            None => {}
        }
        lines.extend(record.not_undone.iter().map(|left| format!("Not brought back: {}", display::escape(left))));
        lines.extend(record.report.warnings.iter().map(|warning| format!("Warning: {}", display::escape(warning))));
    }
    if is_about_backups(notification) {
        lines.extend(past(&notification.past, notification.time, notification.occasion));
    }
    lines.push(origin(notification));
    lines.join("\n")
}

fn is_about_backups(notification: &Notification) -> bool {
    let is_backup = notification.backup.is_some() && notification.operation == Operation::Backup;
    is_backup && matches!(notification.occasion, Occasion::Failure | Occasion::Overdue | Occasion::Recovered)
}

/// Since when, and what there is to restore.
fn past(past: &Past, now: Timestamp, occasion: Occasion) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(since) = past.failing_since {
        let runs = match past.failures {
            1 => "1 run".to_owned(),
            failures => format!("{failures} runs"),
        };
        let words = if occasion == Occasion::Recovered { "Had failed since" } else { "Failing since" };
        lines.push(format!("{words} {} ({runs})", display::date(since)));
    }
    if occasion == Occasion::Recovered {
        return lines;
    }
    lines.push(match &past.last_good {
        Some(good) => {
            let age = Duration::try_from(now.duration_since(good.time)).unwrap_or_default();
            let version = good.version.map(|version| format!("{version}, ")).unwrap_or_default();
            format!("Last good version: {version}{} ago ({})", display::age(age), display::date(good.time))
        }
        None => "Last good version: none that this host knows of".to_owned(),
    });
    lines
}

fn origin(notification: &Notification) -> String {
    let run = match notification.run.as_str() {
        "" => String::new(),
        run => format!(", run {run}"),
    };
    let exit = notification.record.as_ref().filter(|record| record.exit_code != 0);
    let exit = exit.map(|record| format!(", exit code {} ({})", record.exit_code, record.exit)).unwrap_or_default();
    format!("Host {}{run}{exit}", notification.host)
}
