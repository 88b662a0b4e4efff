//! Counts, and whether what was restored is between those of before and after its capture.

use std::collections::BTreeMap;

/// How many of each thing there are.
pub(super) struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// Reads lines of a number, a space and a name; `None` where one is something else.
    pub(super) fn parse(lines: &[String]) -> Option<Self> {
        let parse = |line: &String| {
            let (count, name) = line.split_once(' ')?;
            Some((name.to_owned(), count.parse().ok()?))
        };
        lines.iter().map(parse).collect::<Option<_>>().map(Self)
    }

    /// How many things there are.
    pub(super) fn things(&self) -> usize {
        self.0.len()
    }

    /// How many there are in all of them.
    pub(super) fn sum(&self) -> u64 {
        self.0.values().sum()
    }

    /// What is not between these two, a sentence each. What was there only before or only after came or went meanwhile.
    pub(super) fn differences(&self, before: &Self, after: &Self) -> Vec<String> {
        let both = before.0.iter().filter_map(|(name, before)| Some((name, *before, *after.0.get(name)?)));
        let wrong = both.filter_map(|(name, before, after)| {
            let (least, most) = (before.min(after), before.max(after));
            let captured = if least == most { format!("{least}") } else { format!("{least} to {most}") };
            match self.0.get(name) {
                None => Some(format!("{name} is missing, of which there were {captured}")),
                Some(now) if !(least..=most).contains(now) => Some(format!("{name} has {now}, and had {captured}")),
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
        assert!(Counts::parse(&["x a".to_owned()]).is_none() && Counts::parse(&["1".to_owned()]).is_none());
    }
}
