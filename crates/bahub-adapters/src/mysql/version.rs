//! Which server and which client programs are present.

use bahub_core::adapter::Findings;

/// The findings' names.
pub(super) const DUMP: &str = "mysql dump";
pub(super) const CLIENT: &str = "mysql client";
pub(super) const SERVER: &str = "mysql server";

/// True if the server identifies itself as MariaDB, or if nothing was found.
pub(super) fn is_mariadb(found: &Findings) -> bool {
    found.get(SERVER).is_none_or(|version| version.contains("MariaDB"))
}

/// True for a dump program of MySQL's, which needs options that MariaDB's does not know.
pub(super) fn dumps_as_mysql(found: &Findings) -> bool {
    found.get(DUMP).is_some_and(|version| !version.contains("MariaDB") && !version.contains("mariadb"))
}

/// The warning about programs that do not fit the server.
pub(super) fn warnings(found: &Findings) -> Vec<String> {
    let (Some(dump), Some(server)) = (found.get(DUMP), found.get(SERVER)) else { return Vec::new() };
    if dumps_as_mysql(found) == is_mariadb(found) {
        return vec![format!(
            "the dump program does not match the server ({dump}; server {server}): install the client programs of the server's own product"
        )];
    }
    match (program(dump), numbers(server)) {
        (Some(program), Some(server_version)) if program < server_version => vec![format!(
            "the dump program is older than the server and may leave out objects that it does not support ({dump}; server {server})"
        )],
        _ => Vec::new(),
    }
}

/// The release that a program belongs to: `Ver 10.19 Distrib 10.11.6-MariaDB`, `from 11.4.2-MariaDB, client 15.2`, or
/// `Ver 8.0.36`.
fn program(line: &str) -> Option<(u32, u32)> {
    let release = ["Distrib ", "from ", "Ver "].iter().find_map(|before| line.split_once(before))?.1;
    numbers(release)
}

fn numbers(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(|character: char| !character.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(dump: &str, server: &str) -> Findings {
        Findings([(DUMP.to_owned(), dump.to_owned()), (SERVER.to_owned(), server.to_owned())].into())
    }

    #[test]
    fn older_programs_and_those_of_another_family_give_a_warning() {
        let debian = "mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)";
        let newer = "mariadb-dump from 11.4.2-MariaDB, client 10.19 for Linux (x86_64)";
        let mysql = "mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)";
        for (dump, server, warned) in [
            (debian, "10.11.19-MariaDB-0+deb12u1", false),
            (debian, "11.4.2-MariaDB", true),
            (newer, "10.11.19-MariaDB", false),
            (mysql, "8.0.36", false),
            (mysql, "8.4.0", true),
            (mysql, "10.11.19-MariaDB", true),
            (debian, "8.0.36", true),
        ] {
            assert_eq!(!warnings(&found(dump, server)).is_empty(), warned, "{dump} {server}");
        }
    }
}
