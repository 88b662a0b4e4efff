//! Counts of what is there, and whether what was restored is between those of before and after its capture.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// How many of each thing there are; none where the counting user does not see all of them.
///
/// ```
/// use bahub_core::census::Counts;
///
/// let counts = Counts::parse(&["12 shop.orders".to_owned(), "? shop.payments".to_owned()]).unwrap();
/// assert_eq!((counts.things(), counts.sum()), (1, 12));
/// assert!(Counts::parse(&["shop.orders 12".to_owned()]).is_err(), "the number comes first");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts(BTreeMap<String, Option<u64>>);

/// The words for what is counted.
///
/// ```
/// use bahub_core::census::Unit;
///
/// let entries = Unit::new("entry", "entries");
/// assert_eq!((entries.counted(1), entries.counted(2)), ("1 entry".to_owned(), "2 entries".to_owned()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unit {
    one: Cow<'static, str>,
    many: Cow<'static, str>,
}

impl Unit {
    /// The singular and the plural.
    pub fn new(one: impl Into<Cow<'static, str>>, many: impl Into<Cow<'static, str>>) -> Self {
        Self { one: one.into(), many: many.into() }
    }

    /// The number with the word that fits it.
    pub fn counted(&self, count: u64) -> String {
        format!("{count} {}", if count == 1 { &self.one } else { &self.many })
    }

    /// The plural.
    pub fn many(&self) -> &str {
        &self.many
    }
}

/// What an adapter's census counts: each line is one `thing`, and its number says how many `items` are in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CensusUnits {
    /// What a line stands for.
    pub thing: Unit,
    /// What its number counts; `None` where the number is of no interest to people.
    pub item: Option<Unit>,
}

impl CensusUnits {
    /// These things, whose numbers are not shown.
    pub fn of(thing: Unit) -> Self {
        Self { thing, item: None }
    }

    /// Names what each number counts.
    #[must_use]
    pub fn with(self, item: Unit) -> Self {
        Self { item: Some(item), ..self }
    }

    /// Tables with rows.
    pub fn tables() -> Self {
        Self::of(Unit::new("table", "tables")).with(Unit::new("row", "rows"))
    }

    /// This many things, with this many items in all of them.
    pub fn counted(&self, things: u64, items: u64) -> String {
        let things = self.thing.counted(things);
        match &self.item {
            Some(item) => format!("{things} with {}", item.counted(items)),
            None => things,
        }
    }

    /// What could be missing, in the plural.
    #[cfg(feature = "engine")]
    pub(crate) fn smallest(&self) -> &str {
        self.item.as_ref().unwrap_or(&self.thing).many()
    }
}

/// Entries, whose numbers count nothing that has a name.
impl Default for CensusUnits {
    fn default() -> Self {
        Self::of(Unit::new("entry", "entries"))
    }
}

/// How the warning about unreadable counts begins: a fault of the adapter.
pub const UNREADABLE: &str = "the adapter's counts cannot be read";

/// Stands for an unknown number.
const UNKNOWN: &str = "?";

impl Counts {
    /// Reads lines of a number or `?`, a space and a name, as [`Adapter::census`](crate::adapter::Adapter::census) puts them out.
    ///
    /// # Errors
    /// What is wrong with the first line that is something else.
    pub fn parse(lines: &[String]) -> Result<Self, String> {
        let parse = |line: &String| {
            let (count, name) = line.split_once(' ').filter(|(_, name)| !name.is_empty())?;
            let count = if count == UNKNOWN { None } else { Some(count.parse().ok()?) };
            Some((name.to_owned(), count))
        };
        let parsed = lines
            .iter()
            .map(|line| parse(line).ok_or_else(|| format!("{line:?} is not a number or ?, a space and a name")));
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// Those whose names begin with this.
    #[must_use]
    pub fn of(&self, prefix: &str) -> Self {
        let of = self.0.iter().filter(|(name, _)| name.starts_with(prefix));
        Self(of.map(|(name, count)| (name.clone(), *count)).collect())
    }

    /// Whether there is nothing that could have been counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many things were counted.
    pub fn things(&self) -> usize {
        self.0.values().flatten().count()
    }

    /// How many there are in all of them.
    pub fn sum(&self) -> u64 {
        self.0.values().flatten().sum()
    }

    /// What was not counted, in any of these.
    pub fn unknown(counts: [&Self; 3]) -> BTreeSet<&str> {
        let each = counts.into_iter().flat_map(|counts| &counts.0);
        each.filter(|(_, count)| count.is_none()).map(|(name, _)| name.as_str()).collect()
    }

    /// What is not between these two, a sentence each. What was there only before or only after came or went meanwhile.
    pub fn differences(&self, before: &Self, after: &Self) -> Vec<String> {
        let both = before.0.iter().filter_map(|(name, before)| Some((name, (*before)?, (*after.0.get(name)?)?)));
        let wrong = both.filter_map(|(name, before, after)| {
            let (least, most) = (before.min(after), before.max(after));
            let captured = if least == most { format!("{least}") } else { format!("{least} to {most}") };
            match self.0.get(name) {
                None => Some(format!("{name} is missing, expected {captured}")),
                Some(Some(now)) if !(least..=most).contains(now) => {
                    Some(format!("{name} has {now}, expected {captured}"))
                }
                Some(_) => None,
            }
        });
        wrong.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(lines: &[&str]) -> Counts {
        Counts::parse(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn units_are_named_in_the_singular_and_the_plural() {
        assert_eq!(CensusUnits::tables().counted(2, 5000), "2 tables with 5000 rows");
        assert_eq!(CensusUnits::tables().counted(1, 1), "1 table with 1 row");
        assert_eq!(CensusUnits::default().counted(1, 7), "1 entry");
        assert_eq!(CensusUnits::of(Unit::new("reference", "references")).counted(3, 3), "3 references");
    }

    #[test]
    fn counts_outside_the_range_are_reported() {
        let (before, after) =
            (counts(&["5 a", "9 b c", "1 gone", "3 kept"]), counts(&["7 a", "9 b c", "2 new", "3 kept"]));
        assert!(counts(&["6 a", "9 b c", "3 kept"]).differences(&before, &after).is_empty());
        let wrong = counts(&["8 a", "8 b c"]).differences(&before, &after);
        assert_eq!(wrong, ["a has 8, expected 5 to 7", "b c has 8, expected 9", "kept is missing, expected 3"]);
        let (before, unseen) = (counts(&["5 a", "3 b", "? c"]), counts(&["? a", "4 b", "4 c"]));
        assert_eq!(unseen.differences(&before, &before), ["b has 4, expected 3"]);
        assert_eq!(Vec::from_iter(Counts::unknown([&unseen, &before, &before])), ["a", "c"]);
        assert!(Counts::parse(&["x a".to_owned()]).is_err() && Counts::parse(&["1".to_owned()]).is_err());
    }
}
