//! Values inside statements, whatever they contain and whatever mode the server is in.

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
