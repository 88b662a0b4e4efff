//! Numbers and moments.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The binary units above a byte (IEC 80000-13).
const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Bytes with a binary unit: `1.50 MiB`.
pub fn size(bytes: u64) -> String {
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
pub fn duration(seconds: f64) -> String {
    let minutes = Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs() / 60;
    match seconds {
        short if short < 10.0 => format!("{short:.1} s"),
        medium if medium < 120.0 => format!("{medium:.0} s"),
        _ if minutes < 60 => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

/// How long ago something was, in its largest unit: `12 min`, `5 h`, `3 days`.
pub fn age(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match minutes {
        0 => "less than a minute".to_owned(),
        1..120 => format!("{minutes} min"),
        120..2880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    }
}

/// A moment in this host's time zone: `2026-11-28 03:00:00 CET`.
pub fn date(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let bytes = [0, 1023, 1536, 5 << 30, u64::MAX].map(size);
        assert_eq!(bytes, ["0 B", "1023 B", "1.50 KiB", "5.00 GiB", "16.00 EiB"]);
        let seconds = [0.04, 90.0, 725.0, 12_000.0].map(duration);
        assert_eq!(seconds, ["0.0 s", "90 s", "12 min", "3 h 20 min"]);
        let ages = [59, 7199, 7200, 200_000].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(ages, ["less than a minute", "119 min", "2 h", "2 days"]);
    }
}
