//! The name of a side pod.

/// Jobs append a dash and five letters to the names of their pods; a host name has at most 63 characters.
const LONGEST: usize = 63 - 6;
/// How many digits of the run's unique id are used.
const UNIQUE: usize = 10;

/// A name made of the pod's, the suffix, and the run's id; always valid in Kubernetes, and unused.
pub(super) fn of(pod: &str, suffix: &str, run: &str) -> String {
    let unique: String = run.chars().filter(char::is_ascii_alphanumeric).take(UNIQUE).collect();
    let suffix = plain(suffix);
    let suffix = clipped(&suffix, LONGEST - UNIQUE - 2);
    let end = match suffix {
        "" => unique.to_lowercase(),
        suffix => format!("{suffix}-{}", unique.to_lowercase()),
    };
    let pod = plain(pod);
    match clipped(&pod, LONGEST - end.len() - 1) {
        "" => end,
        pod => format!("{pod}-{end}"),
    }
}

/// Lower-case letters, digits and dashes, with no dash at either end.
fn plain(text: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let text: String = text.chars().map(plain).collect();
    text.trim_matches('-').to_owned()
}

fn clipped(text: &str, most: usize) -> &str {
    text.get(..most).unwrap_or(text).trim_matches('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_name_says_of_what_it_is() {
        assert_eq!(of("web-7d4b9c-x2x9z", "-backup", RUN), "web-7d4b9c-x2x9z-backup-0123456789");
    }

    #[test]
    fn every_name_is_a_label_of_dns() {
        let long = "x".repeat(300);
        for pod in ["web", "a.b.c", "", "-", "Größe", "0", &long] {
            for suffix in ["-backup", "", "---", "_UPPER.case", "…", &long] {
                let name = of(pod, suffix, RUN);
                let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                assert!(name.bytes().all(is_allowed), "{name}");
                assert!(!name.starts_with('-') && !name.ends_with('-'), "{name}");
                assert!((1..=LONGEST).contains(&name.len()), "{name}");
                assert!(name.ends_with("0123456789"), "{name}");
            }
        }
    }
}
