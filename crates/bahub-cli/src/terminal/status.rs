//! The line below everything: the phase, how far it is, and how long the run takes.

use std::time::{Duration, Instant};

use bahub_core::display::size;

/// What is going on.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    /// The phase.
    pub(crate) phase: String,
    /// Bytes of the data so far.
    pub(crate) plain: u64,
    /// Bytes of the message so far.
    pub(crate) stored: u64,
    /// The bytes of the message that there will be, where known.
    pub(crate) of: Option<u64>,
    /// When the run began.
    pub(crate) since: Instant,
}

impl Status {
    /// A line of at most this many columns.
    pub(super) fn line(&self, columns: usize) -> String {
        let moved = moved(self.plain, self.stored, self.of);
        let percent = self.of.filter(|of| *of > 0).map(|of| self.stored.min(of) * 100 / of);
        let percent = percent.map(|percent| format!("{percent} %, ")).unwrap_or_default();
        let what = if self.plain + self.stored == 0 { String::new() } else { format!(": {percent}{moved}") };
        let line = format!("{}{what} ({})", self.phase, clock(self.since.elapsed()));
        // The last column stays free: a terminal may go to the next line behind it.
        line.chars().take(columns.saturating_sub(1)).collect()
    }
}

/// How far it is.
pub(crate) fn moved(plain: u64, stored: u64, of: Option<u64>) -> String {
    match of {
        Some(of) => format!("{} of {} read", size(stored), size(of)),
        None => format!("{} captured, {} stored", size(plain), size(stored)),
    }
}

/// A running time: `0:07`, `1:02:03`.
fn clock(time: Duration) -> String {
    let (hours, minutes, seconds) = (time.as_secs() / 3600, time.as_secs() / 60 % 60, time.as_secs() % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        hours => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_time_has_hours_where_there_are_any() {
        let times = [7, 3723].map(|seconds| clock(Duration::from_secs(seconds)));
        assert_eq!(times, ["0:07", "1:02:03"]);
    }

    #[test]
    fn it_fits_the_terminal() {
        let status = Status { phase: "restoring".into(), plain: 0, stored: 512, of: Some(1024), since: Instant::now() };
        assert_eq!(status.line(80), "restoring: 50 %, 512 B of 1.00 KiB read (0:00)");
        assert_eq!(status.line(10), "restoring");
    }
}
