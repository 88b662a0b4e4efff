//! Counts of what is there, and whether what was restored is between those of before and after its capture.

use std::collections::{BTreeMap, BTreeSet};

/// How many of each thing there are; none where whoever counts does not see all of them.
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

/// How the warning begins of counts that are no counts: an adapter's fault.
pub const UNREADABLE: &str = "the adapter's counts cannot be read";

/// What stands in place of a number that is not known.
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
                None => Some(format!("{name} is missing, of which there were {captured}")),
                Some(Some(now)) if !(least..=most).contains(now) => {
                    Some(format!("{name} has {now}, and had {captured}"))
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
    fn what_is_not_between_is_told() {
        let (before, after) =
            (counts(&["5 a", "9 b c", "1 gone", "3 kept"]), counts(&["7 a", "9 b c", "2 new", "3 kept"]));
        assert!(counts(&["6 a", "9 b c", "3 kept"]).differences(&before, &after).is_empty());
        let wrong = counts(&["8 a", "8 b c"]).differences(&before, &after);
        assert_eq!(
            wrong,
            ["a has 8, and had 5 to 7", "b c has 8, and had 9", "kept is missing, of which there were 3"]
        );
        let (before, unseen) = (counts(&["5 a", "3 b", "? c"]), counts(&["? a", "4 b", "4 c"]));
        assert_eq!(unseen.differences(&before, &before), ["b has 4, and had 3"]);
        assert_eq!(Vec::from_iter(Counts::unknown([&unseen, &before, &before])), ["a", "c"]);
        assert!(Counts::parse(&["x a".to_owned()]).is_err() && Counts::parse(&["1".to_owned()]).is_err());
    }
}
