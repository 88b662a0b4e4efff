//! What of a file is shown beside an error: the lines as they are, without their secrets.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;

use super::expression;
use super::tree::{Node, Span};

const WORDS: [&str; 7] = ["password", "passphrase", "passwd", "token", "secret", "credential", "credentials"];
const SHORT: [&str; 8] = ["pass", "pwd", "pw", "dsn", "apikey", "accesskey", "secretkey", "auth"];
const MARK: &str = "[redacted]";

thread_local! {
    /// What was found of a name: a configuration of thousands of entries repeats a few.
    static JUDGED: RefCell<HashMap<String, bool>> = RefCell::default();
}

/// How many names are remembered.
const MAX_JUDGED: usize = 1024;

/// True if a value under this name is likely to be a secret; misspelt names count as well.
pub(super) fn is_sensitive(name: &str) -> bool {
    JUDGED.with_borrow_mut(|judged| {
        if let Some(known) = judged.get(name) {
            return *known;
        }
        let is_sensitive = judge(name);
        if judged.len() < MAX_JUDGED {
            judged.insert(name.to_owned(), is_sensitive);
        }
        is_sensitive
    })
}

fn judge(name: &str) -> bool {
    let mut spaced = String::with_capacity(2 * name.len());
    for character in name.chars() {
        if character.is_uppercase() {
            spaced.push(' ');
        }
        spaced.extend(character.to_lowercase());
    }
    let whole: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let parts = spaced.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.chain([whole.as_str()]).any(|part| SHORT.contains(&part) || WORDS.iter().any(|word| is_like(part, word)))
        || WORDS.iter().any(|word| whole.contains(word))
}

fn is_like(part: &str, word: &str) -> bool {
    let allowed = if word.len() >= 8 { 2 } else { 1 };
    part.len() >= 4 && part.len().abs_diff(word.len()) <= allowed && strsim::damerau_levenshtein(part, word) <= allowed
}

/// What is secret inside the URLs of a text, as its bytes, in order: passwords, and values of queries whose names are sensitive.
pub(super) fn url_secrets(text: &str) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    let mut from = 0;
    while let Some(authority) = text[from..].find("://").map(|at| from + at + 3) {
        let end_of = |from: usize, ends: &[char]| text[from..].find(ends).map_or(text.len(), |at| from + at);
        let end = end_of(authority, &[' ', '"', '\'', '#']);
        let query = authority + text[authority..end].find('?').unwrap_or(end - authority);
        let password = url_password(&text[authority..query]);
        secrets.extend(password.map(|password| authority + password.start..authority + password.end));
        let mut at = query;
        while at < end {
            let next = end_of(at + 1, &['&', ';', ' ', '"', '\'', '#']);
            if let Some((name, value)) = text[at + 1..next].split_once('=')
                && is_sensitive(name)
                && !value.is_empty()
            {
                secrets.push(next - value.len()..next);
            }
            at = next;
        }
        from = end;
    }
    secrets
}

/// The password in an authority and its path. A password that was not percent-encoded may hold slashes and `@`; a path that is
/// taken for the rest of one does no harm.
fn url_password(text: &str) -> Option<Range<usize>> {
    let slash = text.find('/').unwrap_or(text.len());
    let colon = text.find(':').filter(|colon| *colon < slash)?;
    let at = text.rfind('@')?;
    (colon + 1 < at).then_some(colon + 1..at)
}

/// A text without its secrets, and where everything went.
pub(super) struct Shown {
    pub(super) text: String,
    hidden: Vec<Span>,
}

impl Shown {
    /// Hides what the tree knows to be a secret, and what looks like one in a line (comments, files without a tree).
    pub(super) fn of(text: &str, tree: Option<&Node>) -> Self {
        let mut hidden = suspicious_lines(text, tree.is_none());
        if let Some(tree) = tree {
            tree.scalars("", &mut |name, value, span| {
                if is_literal_secret(name, value) {
                    hidden.extend(lines_of(text, span));
                }
            });
        }
        let hidden = joined(hidden);
        let mut shown = String::with_capacity(text.len());
        let mut at = 0;
        for span in &hidden {
            shown.push_str(&text[at..span.start]);
            shown.push_str(MARK);
            at = span.end;
        }
        shown.push_str(&text[at..]);
        Self { text: shown, hidden }
    }

    /// Where bytes of the original went.
    pub(super) fn span(&self, span: &Span) -> Span {
        let start = self.offset(span.start, false);
        start..self.offset(span.end, true).max(start)
    }

    fn offset(&self, at: usize, is_end: bool) -> usize {
        let mut moved = at;
        for hidden in &self.hidden {
            if at >= hidden.end {
                moved = moved + MARK.len() - hidden.len();
            } else if at > hidden.start {
                moved = moved - (at - hidden.start) + if is_end { MARK.len() } else { 0 };
            }
        }
        moved
    }
}

/// True for a scalar that is a secret itself, not a variable or a file that holds one.
pub(super) fn is_literal_secret(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty() && is_sensitive(name) && !expression::is_reference(text),
        Value::Number(_) => is_sensitive(name),
        _ => false,
    }
}

/// Each line's part of a span, so that hiding it moves no line.
fn lines_of(text: &str, span: &Span) -> Vec<Span> {
    let mut parts = Vec::new();
    let mut start = span.start;
    for line in text[span.clone()].split_inclusive('\n') {
        let content = line.trim_end();
        let indent = if start == span.start { 0 } else { content.len() - content.trim_start().len() };
        if content.len() > indent {
            parts.push(start + indent..start + content.len());
        }
        start += line.len();
    }
    parts
}

/// Finds secrets without understanding the text. With `broken` a line without a key may be the rest of one.
fn suspicious_lines(text: &str, broken: bool) -> Vec<Span> {
    let mut hidden = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if let Some(value) = secret_in(content) {
            hidden.push(start + value.start..start + value.end);
        } else if broken && !content.contains(':') && content.contains(char::is_alphanumeric) {
            hidden.push(start + content.len() - content.trim_start().len()..start + content.len());
        }
        hidden.extend(url_secrets(content).into_iter().map(|secret| start + secret.start..start + secret.end));
        start += line.len();
    }
    hidden
}

/// The rest of the line behind a name that is sensitive.
fn secret_in(line: &str) -> Option<Range<usize>> {
    let mut word = 0;
    for (at, character) in line.char_indices() {
        match character {
            ':' | '=' if is_sensitive(&line[word..at]) => {
                let rest = &line[at + 1..];
                let value = rest.trim_start();
                let quoted = value.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
                let harmless = value.is_empty() || expression::is_reference(quoted);
                return (!harmless).then_some(line.len() - value.len()..line.len());
            }
            ':' | '=' | ',' | '{' | '}' | '[' | ']' | ' ' | '#' | '\t' | '?' | '&' => word = at + 1,
            _ => {}
        }
    }
    None
}

fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_loses_its_password_and_the_tokens_of_its_query() {
        for (url, secrets) in [
            ("https://user:hunter22@host/path", &["hunter22"][..]),
            ("https://user:hun/ter@22@host/path", &["hun/ter@22"]),
            ("https://user:1234/5@host/path", &["1234/5"]),
            ("https://host:8080/a/b", &[]),
            ("https://a:k1@h https://b:k2@h", &["k1", "k2"]),
            ("https://host/a:b@c", &[]),
            ("https://host/x?token=hunter22&size=5", &["hunter22"]),
            ("https://u:p1@host?api_key=k1;page=2&password=k2 # x@y", &["p1", "k1", "k2"]),
            ("https://user@host", &[]),
            ("user:hunter22@host", &[]),
        ] {
            let found: Vec<_> = url_secrets(url).into_iter().map(|secret| &url[secret]).collect();
            assert_eq!(found, secrets, "{url}");
        }
    }
}
