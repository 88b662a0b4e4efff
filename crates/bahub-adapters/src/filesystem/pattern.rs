//! What is left out of a backup.

use std::fmt;

use super::config::Objection;
use super::path::{Names, SourcePath};

/// A shell pattern over whole components of a path: `*`, `?` and `[...]` never match a slash, `\` makes the next
/// character literal, a leading dot is nothing special. What it matches is left out with everything below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Whether it means one place, seen from the root, and not any depth.
    pub(super) rooted: bool,
    /// The pattern without its leading slash.
    text: String,
}

impl Pattern {
    /// Takes a pattern that both tars understand alike.
    pub(super) fn parse(text: &str) -> Result<Self, Objection> {
        let object = |what: &str, help| Err((format!("the pattern \"{text}\" {what}"), help));
        let (rooted, rest) = match text.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if text.contains('\0') {
            return object("holds a NUL byte", "no file can have such a name");
        }
        if rest.is_empty() {
            return object("names nothing", "write the name, path or pattern of what to leave out");
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

/// One component against one component, as `fnmatch(3)` has it; brackets are taken to match, the careful way round.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], _) => name.is_empty(),
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|taken| matches(rest, &name[taken..])),
        ([b'\\', literal, rest @ ..], [first, tail @ ..]) => literal == first && matches(rest, tail),
        ([b'?', rest @ ..], [_, tail @ ..]) => matches(rest, tail),
        ([b'[', rest @ ..], [_, tail @ ..]) => match rest.iter().skip(1).position(|byte| *byte == b']') {
            Some(end) => matches(&rest[end + 2..], tail),
            None => name[0] == b'[' && matches(rest, tail),
        },
        ([literal, rest @ ..], [first, tail @ ..]) => literal == first && matches(rest, tail),
        (_, []) => false,
    }
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
        for text in ["", "/", "a/", "a//b", "./a", "a/../b", "a/**/b", "a\0"] {
            assert!(Pattern::parse(text).is_err(), "{text:?}");
        }
    }
}
