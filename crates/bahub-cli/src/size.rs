//! Numbers for people.

use std::time::Duration;

/// The binary units above a byte (IEC 80000-13).
const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Bytes with a binary unit: `1.50 MiB`.
pub(crate) fn human(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = 0;
    // Far more digits than are shown.
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let mut size = bytes as f64 / 1024.0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.2} {}", UNITS[unit])
}

/// Seconds in readable units: `1.5 s`, `90 s`, `12 min`, `3 h 20 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let minutes = Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs() / 60;
    match seconds {
        short if short < 10.0 => format!("{short:.1} s"),
        medium if medium < 120.0 => format!("{medium:.0} s"),
        _ if minutes < 60 => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

/// A running time: `0:07`, `1:02:03`.
pub(crate) fn clock(time: Duration) -> String {
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
    fn numbers_are_short() {
        let bytes = [0, 1023, 1536, 5 << 30, u64::MAX].map(human);
        assert_eq!(bytes, ["0 B", "1023 B", "1.50 KiB", "5.00 GiB", "16.00 EiB"]);
        let seconds = [0.04, 90.0, 725.0, 12_000.0].map(duration);
        assert_eq!(seconds, ["0.0 s", "90 s", "12 min", "3 h 20 min"]);
        let times = [7, 3723].map(|seconds| clock(Duration::from_secs(seconds)));
        assert_eq!(times, ["0:07", "1:02:03"]);
    }
}
