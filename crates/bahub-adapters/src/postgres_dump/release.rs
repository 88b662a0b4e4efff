//! Releases of servers and of their client programs.

/// A release: 15.18, as `psql --version`, `pg_dump --version` and servers state it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Release {
    pub(super) major: u32,
    minor: u32,
}

/// The first minor release of each major one whose psql has `\restrict` (the releases of 14 August 2025); all later ones do.
const RESTRICTS: [(u32, u32); 5] = [(13, 22), (14, 19), (15, 14), (16, 10), (17, 6)];

impl Release {
    /// The first number of a line.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let number = line.split(' ').find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
        let mut parts = number.split(|character: char| !character.is_ascii_digit());
        let major = parts.next()?.parse().ok()?;
        Some(Self { major, minor: parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0) })
    }

    /// Whether its psql can be kept from running commands of its own.
    pub(super) fn restricts(self) -> bool {
        match RESTRICTS.iter().find(|(major, _)| *major == self.major) {
            Some((_, minor)) => self.minor >= *minor,
            None => self.major > 17,
        }
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read_from_what_programs_and_servers_say() {
        for (line, release, restricts) in [
            ("psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18", true),
            ("pg_dump (PostgreSQL) 17.5", "17.5", false),
            ("16.10 (Ubuntu 16.10-1)", "16.10", true),
            ("psql (EnterpriseDB) 14.9.0", "14.9", false),
            ("18beta1", "18.0", true),
            ("19devel", "19.0", true),
            ("12.22", "12.22", false),
        ] {
            let read = Release::parse(line).unwrap();
            assert_eq!((read.to_string().as_str(), read.restricts()), (release, restricts), "{line}");
        }
        assert_eq!(Release::parse("none"), None);
    }
}
