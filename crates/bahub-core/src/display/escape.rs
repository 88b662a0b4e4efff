//! Text of programs, names and stores, made fit for one line.

use std::fmt::Write;

/// Replaces what could move the cursor, change colours, turn the direction of writing or begin a line by its escape in Rust's
/// spelling: `\n`, `\u{1b}`.
pub fn escape(text: &str) -> String {
    escape_but(text, |_| false)
}

/// The same for text of our own that has lines.
pub fn escape_lines(text: &str) -> String {
    escape_but(text, |character| character == '\n')
}

fn escape_but(text: &str, keeps: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hostile(character) && !keeps(character) {
            let _ = write!(escaped, "{}", character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// The same number of bytes for each such character, so that positions in the text stay right; lines are kept.
pub fn mask(text: &str) -> String {
    let masked = |character: char| match character {
        '\n' | '\t' => character,
        hostile if is_hostile(hostile) => match hostile.len_utf8() {
            1 => '.',
            2 => '\u{b7}',
            _ => char::REPLACEMENT_CHARACTER,
        },
        other => other,
    };
    text.chars().map(masked).collect()
}

/// Whether a terminal would act on it, or show nothing of it.
pub fn is_hostile(character: char) -> bool {
    // Line and paragraph separators, what sets the direction of writing (Unicode TR 36, section 3.5), and what is not seen.
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_begins_a_line_or_moves_the_cursor() {
        let text = "a\nNOT BROUGHT BACK: db\r\u{1b}[2K\u{9b}1A\u{202e}é→\t\0";
        let escaped = r"a\nNOT BROUGHT BACK: db\r\u{1b}[2K\u{9b}1A\u{202e}é→\t\u{0}";
        assert_eq!(escape(text), escaped);
        assert_eq!(escape_lines("a\nb\u{1b}"), "a\nb\\u{1b}");
    }

    #[test]
    fn masked_text_has_its_positions() {
        let text = "a\u{1b}b\u{9b}c\u{202e}d\ne";
        let masked = mask(text);
        assert_eq!(masked, "a.b\u{b7}c\u{fffd}d\ne");
        assert_eq!(masked.len(), text.len());
    }
}
