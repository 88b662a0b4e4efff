//! What is left out of a backup.

use std::fmt;

use super::path::{Names, Objection, SourcePath};

/// A shell pattern over whole components of a path: `*`, `?` and `[...]` never match a slash, `\` makes the next
/// character literal, a leading dot is not special. What it matches is left out with everything below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Whether it is anchored at the root instead of matching at any depth.
    pub(super) rooted: bool,
    /// The pattern without its leading slash.
    text: String,
}

impl Pattern {
    /// Accepts a pattern that both tars interpret the same way.
    pub(super) fn parse(text: &str) -> Result<Self, Objection> {
        let object = |what: &str, help| Err((format!("the pattern \"{text}\" {what}"), help));
        let (rooted, rest) = match text.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if text.contains('\0') {
            return object("contains a NUL byte", "no file can have such a name");
        }
        if rest.is_empty() {
            return object("is empty", "write the name, path or pattern of what to leave out");
        }
        if rest.ends_with('/') {
            return object("ends with a slash", "leave the slash out; a folder is left out with everything below it");
        }
        if rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return object("has an empty component or one that is . or ..", "it would match nothing");
        }
        if rest.contains("**") {
            return object("has a **", "without a leading / a pattern matches at any depth already");
        }
        // In an archive of the root, names begin with a component `.`, which is never a real name.
        let first = rest.split('/').next().unwrap_or_default();
        if !rooted && matches(first.as_bytes(), b".") {
            return object(
                "begins with a component that also matches ., which would leave out everything",
                "write `.?*` for names with a leading dot and `[!.]*` for names without",
            );
        }
        Ok(Self { rooted, text: rest.to_owned() })
    }

    /// The pattern as a tar compares it with the names of members.
    pub(super) fn over(&self, names: Names) -> String {
        match (self.rooted, names) {
            (true, Names::Dotted) => format!("./{}", self.text),
            _ => self.text.clone(),
        }
    }

    /// Whether it leaves out the path itself.
    pub(super) fn hides(&self, path: &SourcePath) -> bool {
        let pattern: Vec<&str> = self.text.split('/').collect();
        let components: Vec<&str> = path.components().collect();
        let starts = if self.rooted { 0..1 } else { 0..components.len() };
        starts.into_iter().filter_map(|start| components.get(start..)).any(|rest| {
            rest.len() >= pattern.len()
                && pattern.iter().zip(rest).all(|(pattern, name)| matches(pattern.as_bytes(), name.as_bytes()))
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.rooted { "/" } else { "" }, self.text)
    }
}

/// One component against one component, as `fnmatch(3)` in the C locale.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], _) => name.is_empty(),
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|taken| matches(rest, &name[taken..])),
        ([b'\\', literal, rest @ ..], [first, tail @ ..]) => literal == first && matches(rest, tail),
        ([b'?', rest @ ..], [_, tail @ ..]) => matches(rest, tail),
        ([b'[', rest @ ..], [first, tail @ ..]) => match split_bracket(rest) {
            Some((set, rest)) => in_set(set, *first) && matches(rest, tail),
            None => *first == b'[' && matches(rest, tail),
        },
        ([literal, rest @ ..], [first, tail @ ..]) => literal == first && matches(rest, tail),
        (_, []) => false,
    }
}

/// The text between `[` and `]`, and the rest; a `]` in first position belongs to the set.
fn split_bracket(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let lead = usize::from(matches!(rest.first(), Some(b'!' | b'^')));
    let end = rest.iter().skip(lead + 1).position(|byte| *byte == b']')? + lead + 1;
    Some((&rest[..end], &rest[end + 1..]))
}

/// Whether a set such as `!a-z_` contains the byte. Classes such as `[:alpha:]` are not supported and match everything, to be
/// on the safe side.
fn in_set(set: &[u8], byte: u8) -> bool {
    if set.contains(&b'[') {
        return true;
    }
    let (negated, mut set) = match set {
        [b'!' | b'^', set @ ..] => (true, set),
        set => (false, set),
    };
    let mut found = false;
    while let [first, rest @ ..] = set {
        set = match rest {
            [b'-', last, rest @ ..] => {
                found |= (*first..=*last).contains(&byte);
                rest
            }
            rest => {
                found |= *first == byte;
                rest
            }
        };
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hides(pattern: &str, path: &str) -> bool {
        Pattern::parse(pattern).unwrap().hides(&SourcePath::parse(path).unwrap())
    }

    #[test]
    fn a_pattern_without_a_slash_hides_a_path_at_any_depth() {
        assert!(hides("www", "/var/www"));
        assert!(hides("var", "/var/www"));
        assert!(hides("v?r/w*", "/srv/var/www/x"));
        assert!(!hides("ww", "/var/www"));
        assert!(!hides("cache", "/"));
        assert!(!hides("www/cache", "/var/www"));
    }

    #[test]
    fn a_pattern_with_a_leading_slash_hides_one_place() {
        assert!(hides("/var", "/var/www"));
        assert!(!hides("/www", "/var/www"));
        assert!(hides("/*/www", "/var/www"));
        assert!(!hides("/\\*", "/var"));
        assert!(hides("/\\*", "/*"));
    }

    #[test]
    fn patterns_that_could_mean_two_things_are_refused() {
        for text in ["", "/", "a/", "a//b", "./a", "a/../b", "a/**/b", "a\0", ".*", "*", "?", "*/a", "[.a]", "[!a]"] {
            assert!(Pattern::parse(text).is_err(), "{text:?}");
        }
        for text in [".?*", "[!.]*", "*.tmp", "/.*", "[a-z]?", "[]a]x", "/*"] {
            assert!(Pattern::parse(text).is_ok(), "{text:?}");
        }
    }
}
