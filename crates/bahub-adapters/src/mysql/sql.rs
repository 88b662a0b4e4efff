//! Values inside of statements, whatever they hold and whatever mode the server is in.

/// A name, in backticks.
pub(super) fn ident(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text: in hexadecimal, since what a backslash means depends on `NO_BACKSLASH_ESCAPES`.
pub(super) fn text(value: &str) -> String {
    format!("_utf8mb4 X'{}'", hex(value))
}

/// A list of texts, for `IN`; it matches nothing where there is none.
pub(super) fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let values: Vec<_> = values.into_iter().map(text).collect();
    if values.is_empty() { "(NULL)".to_owned() } else { format!("({})", values.join(",")) }
}

fn hex(value: &str) -> String {
    value.bytes().map(|byte| format!("{byte:02X}")).collect()
}

/// Reads a counted list of texts in hexadecimal, `2 61 62`, as the probes' statements put it out; none where it is cut.
pub(super) fn parse_list(line: &str) -> Option<Vec<String>> {
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let count: usize = words.next()?.parse().ok()?;
    let names = words.map(unhex).collect::<Option<Vec<_>>>()?;
    (names.len() == count).then_some(names)
}

fn unhex(word: &str) -> Option<String> {
    let digits = word.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    String::from_utf8(digits.chunks(2).map(byte).collect::<Option<Vec<_>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_cut_is_none() {
        assert_eq!(parse_list("2 61 F09F9982"), Some(vec!["a".into(), "🙂".into()]));
        assert_eq!(parse_list("0"), Some(vec![]));
        assert_eq!(parse_list("0 "), Some(vec![]));
        for cut in ["", "2 61", "1 6", "x", "1 zz"] {
            assert_eq!(parse_list(cut), None, "{cut}");
        }
    }

    #[test]
    fn nothing_gets_out_of_a_name() {
        assert_eq!(ident("a`; DROP"), "`a``; DROP`");
        assert_eq!(text("it's \\ \n"), "_utf8mb4 X'69742773205C200A'");
        assert_eq!(texts([]), "(NULL)");
    }
}
