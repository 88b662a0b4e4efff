//! At which moments runs are killed, and what mends what they leave.

/// What mends it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mend {
    /// `:recover`.
    Recover,
    /// The next run.
    NextRun,
}

/// Each moment with each way of mending.
pub(crate) fn full(moments: &'static [&'static str]) -> impl Iterator<Item = (&'static str, Mend)> {
    moments.iter().flat_map(|moment| [(*moment, Mend::Recover), (*moment, Mend::NextRun)])
}

/// The moments of these numbers, mended in one way and the other in turn.
pub(crate) fn in_turn(
    moments: &'static [&'static str],
    numbers: impl Iterator<Item = usize>,
) -> impl Iterator<Item = (&'static str, Mend)> {
    let chosen = numbers.map_while(|number| moments.get(number).copied());
    chosen.zip([Mend::Recover, Mend::NextRun].into_iter().cycle())
}
