//! Lists of strings on one line, whatever they contain: counted, in hexadecimal. `2 61 62` is `a` and `b`.

/// Writes a list.
pub(crate) fn write(texts: &[String]) -> String {
    texts.iter().fold(texts.len().to_string(), |line, text| line + " " + &hex(text))
}

/// Reads a list; none if it is truncated.
pub(crate) fn parse(line: &str) -> Option<Vec<String>> {
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let count: usize = words.next()?.parse().ok()?;
    let texts = words.map(unhex).collect::<Option<Vec<_>>>()?;
    (texts.len() == count).then_some(texts)
}

/// The bytes of a string, two digits each.
pub(crate) fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02X}")).collect()
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
    fn a_list_comes_back_and_one_that_is_cut_is_none() {
        let texts = ["a".to_owned(), "🙂 \n".to_owned(), String::from("'")];
        assert_eq!(parse(&write(&texts)), Some(texts.to_vec()));
        assert_eq!(parse("2 61 F09F9982"), Some(vec!["a".into(), "🙂".into()]));
        assert_eq!(parse("0"), Some(vec![]));
        assert_eq!(parse("0 "), Some(vec![]));
        for cut in ["", "2 61", "1 6", "x", "1 zz"] {
            assert_eq!(parse(cut), None, "{cut}");
        }
    }
}
