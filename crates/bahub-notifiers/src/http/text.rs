//! Texts, cut and quoted as a service wants them.

use bahub_core::notifier::Notification;

/// Ends a text that was cut.
const CUT: &str = "\n[cut]";

/// At most this many characters, marked where something was cut.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(CUT.len());
    text.chars().take(kept).chain(CUT.chars()).collect()
}

/// At most this many bytes, marked where something was cut.
pub(super) fn cut_bytes(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let kept = text.floor_char_boundary(most.saturating_sub(CUT.len()));
    format!("{}{CUT}", &text[..kept])
}

/// The title and the text, for services that know only one.
pub(super) fn both(notification: &Notification) -> String {
    match notification.body.is_empty() {
        true => notification.title.clone(),
        false => format!("{}\n{}", notification.title, notification.body),
    }
}

/// The same text without mentions of everybody: what a program wrote must not call a whole channel.
pub(super) fn without_mentions(text: &str) -> String {
    ["channel", "all", "here", "everyone"].iter().fold(text.to_owned(), |text, everybody| {
        text.replace(&format!("@{everybody}"), &format!("@\u{2060}{everybody}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_between_characters_and_says_so() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("ääääääääää", 8), "ää\n[cut]");
        assert_eq!(cut_bytes("ääääääääää", 11), "ää\n[cut]");
        assert!(cut_bytes(&"ä".repeat(200_000), 100_000).len() <= 100_000);
    }
}
