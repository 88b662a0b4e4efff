//! `${...}` in a value.

/// A part of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(String),
    /// `${NAME}` or `${NAME:-default}`.
    Variable {
        name: String,
        default: Option<String>,
    },
    /// `${file:PATH}`.
    File(String),
}

/// A part of a value with the text it was written as.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) piece: Piece,
    pub(super) text: String,
}

/// A `${...}` that means nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// As it was written.
    pub(super) text: String,
    pub(super) problem: &'static str,
}

/// Takes a value apart.
pub(super) fn parse(value: &str) -> Result<Vec<Written>, Malformed> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        literal.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$${") {
            literal.push_str("${");
            rest = after;
        } else if rest.starts_with("${") {
            let (written, after) = expression(rest)?;
            if !literal.is_empty() {
                pieces.push(Written { text: literal.clone(), piece: Piece::Literal(std::mem::take(&mut literal)) });
            }
            pieces.push(written);
            rest = after;
        } else {
            literal.push('$');
            rest = &rest[1..];
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Written { text: literal.clone(), piece: Piece::Literal(literal) });
    }
    Ok(pieces)
}

/// True if the value holds something to fill in, or something malformed.
pub(super) fn is_open(value: &str) -> bool {
    match parse(value) {
        Ok(pieces) => pieces.iter().any(|written| !matches!(written.piece, Piece::Literal(_))),
        Err(_) => true,
    }
}

/// True if the value is exactly one variable or file, without a default: it holds no secret itself.
pub(super) fn is_reference(value: &str) -> bool {
    let Ok(pieces) = parse(value) else { return false };
    matches!(pieces.as_slice(), [Written { piece: Piece::Variable { default: None, .. } | Piece::File(_), .. }])
}

fn expression(rest: &str) -> Result<(Written, &str), Malformed> {
    let malformed = |text: &str, problem| Malformed { text: text.to_owned(), problem };
    let Some(end) = rest.find('}') else {
        return Err(malformed("${", "the closing \"}\" is missing"));
    };
    let (text, after) = rest.split_at(end + 1);
    let inner = &text[2..end];
    if inner.contains("${") {
        return Err(malformed("${", "it cannot contain another one"));
    }
    let piece = if let Some(path) = inner.strip_prefix("file:") {
        if path.is_empty() {
            return Err(malformed(text, "no file is named"));
        }
        Piece::File(path.to_owned())
    } else {
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (inner, None),
        };
        if !is_name(name) {
            return Err(malformed(text, "no valid variable is named"));
        }
        Piece::Variable { name: name.to_owned(), default }
    };
    Ok((Written { piece, text: text.to_owned() }, after))
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(value: &str) -> Vec<Piece> {
        parse(value).unwrap().into_iter().map(|written| written.piece).collect()
    }

    #[test]
    fn a_value_is_taken_apart() {
        let variable = |name: &str, default: Option<&str>| Piece::Variable {
            name: name.to_owned(),
            default: default.map(str::to_owned),
        };
        let literal = |text: &str| Piece::Literal(text.to_owned());
        assert_eq!(pieces("${A}"), [variable("A", None)]);
        assert_eq!(pieces("x${A:-1:-2}y"), [literal("x"), variable("A", Some("1:-2")), literal("y")]);
        assert_eq!(pieces("${file:/run/x}"), [Piece::File("/run/x".to_owned())]);
        assert_eq!(pieces("$${A} $B 5$ $$"), [literal("${A} $B 5$ $$")]);
        assert_eq!(pieces(""), []);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for wrong in ["${", "${}", "${1}", "${A B}", "${file:}", "${A:-${B}}", "a${b"] {
            assert!(parse(wrong).is_err(), "{wrong}");
            assert!(is_open(wrong), "{wrong}");
        }
    }
}
