//! Values inside statements, whatever they contain and whatever mode the server is in.

use bahub_core::step::Step;

use crate::list;

/// The last line of a complete dump begins with this.
pub(super) const TRAILER: &str = "\n-- Dump completed";

/// A name, in backticks.
pub(super) fn ident(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A string: in hexadecimal, since what a backslash means depends on `NO_BACKSLASH_ESCAPES`.
pub(super) fn text(value: &str) -> String {
    format!("_utf8mb4 X'{}'", list::hex(value))
}

/// A list of strings, for `IN`; an empty one matches nothing.
pub(super) fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let values: Vec<_> = values.into_iter().map(text).collect();
    if values.is_empty() { "(NULL)".to_owned() } else { format!("({})", values.join(",")) }
}

/// A column of names, compared letter by letter: `Sys` is not `sys` where names differ by case.
pub(super) fn exact(column: &str) -> String {
    format!("CONVERT({column} USING utf8mb4) COLLATE utf8mb4_bin")
}

/// An expression for a name, in backticks.
pub(super) fn quoted(name: &str) -> String {
    format!("CONCAT('`', REPLACE({name}, '`', '``'), '`')")
}

/// An expression for an account as the catalogue has it, `user@host`, or for a role, which has no host.
pub(super) fn account(column: &str) -> String {
    let host = format!("SUBSTRING_INDEX({column}, '@', -1)");
    let user = format!("LEFT({column}, CHAR_LENGTH({column}) - CHAR_LENGTH({host}) - 1)");
    format!("CONCAT({}, IF({host} = '', '', CONCAT('@', {})))", quoted(&user), quoted(&host))
}

/// sed with this script.
pub(super) fn sed(script: &str) -> Step {
    Step::new("sed").arg("-e").arg(script).env("LC_ALL", "C").reads_backup()
}

/// A string as a basic regular expression for sed.
pub(super) fn pattern(text: &str) -> String {
    text.chars().fold(String::new(), |pattern, character| match character {
        '\\' | '.' | '[' | ']' | '*' | '^' | '$' | '/' => pattern + "\\" + &character.to_string(),
        '\n' => pattern + "\\n",
        other => pattern + &other.to_string(),
    })
}

/// A string for the second half of sed's `s`.
pub(super) fn replacement(text: &str) -> String {
    text.replace('\\', "\\\\").replace('/', "\\/").replace('&', "\\&").replace('\n', "\\\n")
}

/// What sed has in its hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// One line after the other.
    Each,
    /// The whole text, which begins with a line feed.
    Whole,
}

/// A sed script that gives a database another name in the definitions of views, as the server writes them and dump programs
/// repeat them: names in backticks, strings in quotes. What a view's text says of it in a string stays. `label` is a number of
/// its own.
pub(super) fn views_renamed(lines: Lines, old: &str, new: &str, label: usize) -> String {
    let (old, new) = (pattern(&ident(old)), replacement(&ident(new)));
    let token = "[^'`\\n]\\|'\\([^'\\\\]\\|\\\\.\\)*'\\|`[^`]*`";
    format!(
        ":v{label}\ns/{}\\({token}\\)*\\){old}\\./\\1{new}./\ntv{label}\n",
        match lines {
            Lines::Each => "^\\(\\/\\*!50001 VIEW ",
            Lines::Whole => "\\(\\n\\/\\*!50001 VIEW ",
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_name() {
        assert_eq!(ident("a`; DROP"), "`a``; DROP`");
        assert_eq!(text("it's \\ \n"), "_utf8mb4 X'69742773205C200A'");
        assert_eq!(texts([]), "(NULL)");
    }
}
