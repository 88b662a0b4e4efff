//! Numbers for people.

/// Bytes with a binary unit: `1.5 MiB`.
pub(crate) fn human(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// Seconds as people say them.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        short if short < 10.0 => format!("{short:.1} s"),
        medium if medium < 120.0 => format!("{medium:.0} s"),
        long => indicatif::HumanDuration(std::time::Duration::from_secs_f64(long)).to_string(),
    }
}
