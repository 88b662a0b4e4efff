//! What a misspelt name was probably meant to be.

/// The known name that is near enough to `word` to suggest.
pub(super) fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|name| (distance(&word, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (word.len().max(name.len()) / 3).max(1) && *distance < name.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A help line for an unknown name: the near match if there is one, and what is known.
pub(super) fn help<'a>(word: &str, what: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.into_iter().collect();
    let listed = match known.as_slice() {
        [] => format!("there are no {what}"),
        names => format!("{what}: {}", names.join(", ")),
    };
    match near(word, known.iter().copied()) {
        Some(name) => format!("did you mean \"{name}\"? {listed}"),
        None => listed,
    }
}

/// The last part of a dotted name counts by itself as well: `mysq` is near to `bahub.adapters.mysql`.
fn distance(word: &str, name: &str) -> usize {
    let whole = strsim::damerau_levenshtein(word, name);
    match name.rsplit_once('.') {
        Some((_, last)) if !word.contains('.') => whole.min(strsim::damerau_levenshtein(word, last)),
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swapped_letter_is_near_and_another_word_is_not() {
        assert_eq!(near("acess", ["access", "transport"]), Some("access"));
        assert_eq!(near("mysq", ["bahub.adapters.mysql"]), Some("bahub.adapters.mysql"));
        assert_eq!(near("nope", ["access", "transport"]), None);
        assert_eq!(near("x", ["y"]), None);
    }
}
