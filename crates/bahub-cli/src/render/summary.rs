//! What a run did, in a sentence.

use bahub_core::event::Operation;
use bahub_core::report::{Drill, Outcome, Report};

use crate::size::{duration, human};
use crate::terminal::escape;

/// What a run that ended well did; what comes from elsewhere is escaped.
pub(super) fn summary(report: &Report) -> String {
    let version = report.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
    let backup = escape(&report.backup);
    let seconds = duration(report.seconds);
    let (plain, stored) = (human(report.plain_bytes), human(report.stored_bytes));
    let location = escape(report.location.as_deref().unwrap_or("-"));
    let mut text = match report.operation {
        Operation::Backup => {
            format!("{backup}: {version} made in {seconds}: {plain} of data, {stored} stored at {location}")
        }
        Operation::Restore => format!("{backup}: {version} restored in {seconds}: {plain} of data"),
        Operation::Drill => format!("{backup}: {version} can be restored: {plain} of data"),
        Operation::Verify => format!("{backup}: {version} is intact: {plain} of data in {stored}, read in {seconds}"),
        Operation::Download => format!("{backup}: {version} written to {location} in {seconds}"),
        _ => recovered(report, &backup),
    };
    if let Some(drill) = &report.drill {
        text.push_str(&beside(drill));
    }
    if report.outcome == Outcome::SucceededWithWarnings {
        text.push_str(&format!(" (with {})", counted(report.warnings.len() as u64, "warning")));
    }
    text
}

fn beside(drill: &Drill) -> String {
    let compared = if drill.compared { "matching the backup" } else { "not compared" };
    let counted = escape(&drill.units.counted(drill.things as u64, drill.count));
    format!(", beside the original in {}: {counted}, {compared}", duration(drill.seconds))
}

fn counted(count: u64, thing: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{s}")
}

fn recovered(report: &Report, backup: &str) -> String {
    if report.recovered.is_empty() {
        return format!("{backup}: nothing to recover");
    }
    let lines = report.recovered.iter();
    let lines = lines.map(|recovered| format!("{backup}: {} {}", escape(&recovered.what), escape(&recovered.done)));
    lines.collect::<Vec<_>>().join("\n")
}
