//! Which time of a schedule is next: a pure decision.

use bahub_core::config::ScheduledBackup;
use bahub_core::schedule::jitter;
use bahub_history::Claim;
use jiff::{SignedDuration, Timestamp};

/// How late a start may be without the time counting as missed: by a busy host, a clock that is corrected.
const LATE: SignedDuration = SignedDuration::from_secs(90);
/// Nothing is looked for longer ago than this.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// A time at which a backup is due, and when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Planned {
    /// When it is due, by its schedule.
    pub due: Timestamp,
    /// When it starts: later by its jitter.
    pub start: Timestamp,
    /// Whether it makes up for a time that was missed.
    pub is_catch_up: bool,
}

/// The next time that is to be taken up after this claim. Of those that were missed it is the newest, if that is still caught up
/// on; a run that came to nothing is due again whatever the schedule says of missed times. A claim in the future, of a clock that was
/// ahead, counts as one of now.
pub fn plan(backup: &ScheduledBackup, claim: Claim, now: Timestamp) -> Option<Planned> {
    let claimed = claim.due.min(now);
    if claim.is_due_again {
        return Some(Planned { due: claimed, start: now, is_catch_up: true });
    }
    let later = |due: Timestamp| jitter(&backup.backup, due, backup.jitter);
    // As long ago as something would still be caught up on; what is late by a moment, or by its jitter, is not missed at all.
    let on_time = LATE.saturating_add(backup.jitter);
    let reach = backup.catch_up_within.unwrap_or(SignedDuration::ZERO).max(on_time).min(LONGEST);
    let since_claim = now.duration_since(claimed);
    if since_claim > SignedDuration::ZERO
        && let Some(due) = backup.schedule.last_before(now, reach.min(since_claim))
        && due > claimed
    {
        let start = due.saturating_add(later(due)).unwrap_or(due);
        let is_catch_up = now.duration_since(start) > LATE;
        // Those that were missed together do not start together.
        let start = if is_catch_up { now.saturating_add(later(due)).unwrap_or(now) } else { start };
        return Some(Planned { due, start, is_catch_up });
    }
    let due = backup.schedule.next_after(now)?;
    Some(Planned { due, start: due.saturating_add(later(due)).unwrap_or(due), is_catch_up: false })
}

/// Whether something starts so late that what is due has to be looked at again: the host slept, or its clock was set.
pub(crate) fn is_late(planned: &Planned, now: Timestamp) -> bool {
    now.duration_since(planned.start) > LATE
}
