//! What a run did, in a sentence.

use super::escape::escape;
use super::units::{duration, size};
use crate::event::Operation;
use crate::report::{Drill, Outcome, Report};

/// What a run that ended well did; what comes from elsewhere is escaped.
pub fn summary(report: &Report) -> String {
    let version = report.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
    let backup = escape(&report.backup);
    let seconds = duration(report.seconds);
    let (plain, stored) = (size(report.plain_bytes), size(report.stored_bytes));
    let location = escape(report.location.as_deref().unwrap_or("-"));
    let mut text = match report.operation {
        Operation::Backup => {
            format!(
                "{backup}: {version} made in {seconds}: {plain} of data, {stored} stored at {location}{}",
                removed(report)
            )
        }
        Operation::Restore => format!("{backup}: {version} restored in {seconds}: {plain} of data"),
        Operation::Drill => format!("{backup}: {version} can be restored: {plain} of data"),
        Operation::Verify => format!("{backup}: {version} is intact: {plain} of data in {stored}, read in {seconds}"),
        Operation::Prune => pruned(report, &backup),
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

/// What a backup removed after its commit.
fn removed(report: &Report) -> String {
    let removed = report.pruned.as_ref().map_or(0, |pruned| pruned.removed.len() as u64);
    if removed == 0 { String::new() } else { format!("; {} removed", counted(removed, "old version")) }
}

/// A line for each version, and one for all.
fn pruned(report: &Report, backup: &str) -> String {
    let Some(pruned) = &report.pruned else { return format!("{backup}: nothing to remove") };
    let (go, goes) = if pruned.dry_run { ("would go", "would be removed") } else { ("removed", "removed") };
    let kept = pruned
        .kept
        .iter()
        .map(|kept| format!("{backup}: {:<8} kept: {}", kept.version.to_string(), kept.reasons.join(", ")));
    let stay = pruned
        .retained
        .iter()
        .map(|stays| format!("{backup}: {:<8} stays: {}", stays.version.to_string(), escape(&stays.reason)));
    let gone = pruned.removed.iter().rev().map(|version| format!("{backup}: {:<8} {go}", version.to_string()));
    let left = pruned.leftovers.iter().map(|left| format!("{backup}: {} {go}: of a run that died", escape(left)));
    let (count, rest) = (counted(pruned.removed.len() as u64, "version"), pruned.kept.len() + pruned.retained.len());
    let all = format!("{backup}: {count} {goes}, {rest} kept");
    kept.chain(stay).chain(gone).chain(left).chain([all]).collect::<Vec<_>>().join("\n")
}

fn recovered(report: &Report, backup: &str) -> String {
    if report.recovered.is_empty() {
        return format!("{backup}: nothing to recover");
    }
    let lines = report.recovered.iter();
    let lines = lines.map(|recovered| format!("{backup}: {} {}", escape(&recovered.what), escape(&recovered.done)));
    lines.collect::<Vec<_>>().join("\n")
}
