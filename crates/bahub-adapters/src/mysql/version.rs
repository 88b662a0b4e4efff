//! Which server and which client programs are present, and whether they fit each other.

use bahub_core::adapter::Findings;
use bahub_core::replay::Unsupported;

use super::preflight;

/// The findings' names.
pub(super) const DUMP: &str = "mysql dump";
pub(super) const MYSQL_DUMP: &str = "mysqldump";
pub(super) const CLIENT: &str = "mysql client";
pub(super) const SERVER: &str = "mysql server";

/// A product: each has its own client programs, dialect and system tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    MariaDb,
    MySql,
}

impl Family {
    fn of(line: &str) -> Self {
        if line.to_lowercase().contains("mariadb") { Self::MariaDb } else { Self::MySql }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::MariaDb => "MariaDB",
            Self::MySql => "MySQL",
        }
    }

    /// Its dump program, then the other's, which may be a link to it. MariaDB's images have only the first since 11.0.
    pub(super) fn dump(self) -> [&'static str; 2] {
        self.first("mariadb-dump", "mysqldump")
    }

    /// Its client program, then the other's.
    pub(super) fn client(self) -> [&'static str; 2] {
        self.first("mariadb", "mysql")
    }

    /// Debian's package of its client programs.
    fn package(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadb-client",
            Self::MySql => "mysql-client",
        }
    }

    fn first(self, mariadb: &'static str, mysql: &'static str) -> [&'static str; 2] {
        match self {
            Self::MariaDb => [mariadb, mysql],
            Self::MySql => [mysql, mariadb],
        }
    }
}

/// The server's family; MariaDB if nothing was found.
pub(super) fn server(found: &Findings) -> Family {
    found.get(SERVER).map_or(Family::MariaDb, Family::of)
}

/// The line of the dump program that is run for this server.
fn dump_line(found: &Findings) -> Option<&str> {
    match server(found) {
        Family::MariaDb => found.get(DUMP),
        Family::MySql => found.get(MYSQL_DUMP).or_else(|| found.get(DUMP)),
    }
}

/// The family of the dump program.
pub(super) fn dump(found: &Findings) -> Family {
    dump_line(found).map_or(Family::MariaDb, Family::of)
}

/// The first release of MariaDB's dump program that writes the history of system-versioned tables.
const WITH_HISTORY: (u32, u32) = (10, 11);

/// Whether the dump program writes the history of system-versioned tables.
pub(super) fn dumps_history(found: &Findings) -> bool {
    dump(found) == Family::MariaDb && dump_line(found).and_then(program).is_some_and(|release| release >= WITH_HISTORY)
}

/// A system-versioned table.
#[derive(Debug)]
pub(super) struct Versioned {
    pub(super) database: String,
    pub(super) name: String,
    /// Which of its columns has the end of a row; 0 where it is none of its own.
    pub(super) end: usize,
}

impl Versioned {
    /// The tables of a list of database, name and column, one after the other.
    pub(super) fn each(texts: &[String]) -> Vec<Self> {
        let table = |texts: &[String]| Self {
            database: texts[0].clone(),
            name: texts[1].clone(),
            end: texts[2].parse().unwrap_or_default(),
        };
        texts.chunks_exact(3).map(table).collect()
    }
}

/// The system-versioned tables of the backup.
pub(super) fn versioned(found: &Findings) -> Result<Vec<Versioned>, Unsupported> {
    preflight::listed(found, preflight::VERSIONED).map(|texts| Versioned::each(&texts))
}

/// The first release of MariaDB whose triggers can be restricted to columns.
const WITH_TRIGGER_COLUMNS: (u32, u32) = (11, 8);

/// Whether the server's triggers can be restricted to columns.
pub(super) fn has_trigger_columns(found: &Findings) -> bool {
    let release = found.get(SERVER).and_then(numbers);
    server(found) == Family::MariaDb && release.is_some_and(|release| release >= WITH_TRIGGER_COLUMNS)
}

/// Whether a version's users are another product's than this server.
pub(super) fn is_other_family(recorded: &str, found: &Findings) -> bool {
    found.get(SERVER).is_some() && Family::of(recorded) != server(found)
}

/// Refuses a dump program of the other family: what it writes may be accepted by no server.
pub(super) fn refuse_other_family(found: &Findings, allowed: bool) -> Result<(), Unsupported> {
    let (Some(line), Some(version)) = (dump_line(found), found.get(SERVER)) else { return Ok(()) };
    let (dump, server) = (dump(found), server(found));
    if allowed || dump == server {
        return Ok(());
    }
    Err(Unsupported {
        what: format!(
            "the dump program is {}'s and the server is {}'s: its dumps may lack objects, or fit no server ({line}; server {version})",
            dump.name(),
            server.name()
        ),
        help: format!(
            "install {}'s client programs where the transport runs commands (Debian: {}); or set `allow_other_client: true`, and \
             test each restore",
            server.name(),
            server.package()
        )
        .into(),
    })
}

/// The warning about programs that do not fit the server.
pub(super) fn warnings(found: &Findings) -> Vec<String> {
    let (Some(line), Some(version)) = (dump_line(found), found.get(SERVER)) else { return Vec::new() };
    if dump(found) != server(found) {
        return vec![format!(
            "the dump program is another product's than the server, as `allow_other_client` permits ({line}; server {version}): test a restore"
        )];
    }
    match (program(line), numbers(version)) {
        (Some(program), Some(server_version)) if program < server_version => vec![format!(
            "the dump program is older than the server and may leave out objects that it does not support ({line}; server {version})"
        )],
        _ => Vec::new(),
    }
}

/// The server that a version came from, for its record: `MariaDB 10.11.14`.
pub(super) fn described(found: &Findings) -> Option<String> {
    let version = found.get(SERVER)?;
    let release: String =
        version.chars().take_while(|character| character.is_ascii_digit() || *character == '.').collect();
    Some(format!("{} {release}", server(found).name()))
}

/// How a version's server differs from the one that it would be restored to, if that one may not accept it: another product,
/// or an older release.
pub(super) fn mismatch(recorded: &str, found: &Findings) -> Option<String> {
    let target = described(found)?;
    let is_older = match (numbers_of(recorded), numbers_of(&target)) {
        (Some(recorded), Some(target)) => target < recorded,
        _ => false,
    };
    (Family::of(recorded) != Family::of(&target) || is_older)
        .then(|| format!("the version was made on {recorded}, and this server is {target}"))
}

/// The first release of MariaDB whose timestamps go on after 2038, and with them the rows of system-versioned tables that
/// are current.
const WITH_LATER_TIMESTAMPS: (u32, u32) = (11, 5);

/// Whether current rows of system-versioned tables end at another time on this server than on the recorded one.
pub(super) fn ends_later(recorded: &str, found: &Findings) -> bool {
    let target = described(found).unwrap_or_default();
    [recorded, &target].iter().all(|server| Family::of(server) == Family::MariaDb)
        && numbers_of(recorded).is_some_and(|release| release < WITH_LATER_TIMESTAMPS)
        && numbers_of(&target).is_some_and(|release| release >= WITH_LATER_TIMESTAMPS)
}

fn numbers_of(described: &str) -> Option<(u32, u32)> {
    numbers(described.split_once(' ')?.1)
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
        Findings(
            [(DUMP, dump), (MYSQL_DUMP, dump), (SERVER, server)]
                .map(|(name, line)| (name.to_owned(), line.to_owned()))
                .into(),
        )
    }

    const DEBIAN: &str = "mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)";
    const NEWER: &str = "mariadb-dump from 11.4.2-MariaDB, client 10.19 for Linux (x86_64)";
    const MYSQL: &str = "mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)";

    #[test]
    fn older_programs_are_a_warning_and_those_of_another_family_are_refused() {
        for (dump, server, warned, refused) in [
            (DEBIAN, "10.11.19-MariaDB-0+deb12u1", false, false),
            (DEBIAN, "11.4.2-MariaDB", true, false),
            (NEWER, "10.11.19-MariaDB", false, false),
            (MYSQL, "8.0.36", false, false),
            (MYSQL, "8.4.0", true, false),
            (MYSQL, "10.11.19-MariaDB", true, true),
            (DEBIAN, "8.0.36", true, true),
        ] {
            let found = found(dump, server);
            assert_eq!(!warnings(&found).is_empty(), warned, "{dump} {server}");
            assert_eq!(refuse_other_family(&found, false).is_err(), refused, "{dump} {server}");
            assert!(refuse_other_family(&found, true).is_ok(), "{dump} {server}");
        }
    }

    #[test]
    fn a_server_of_another_family_or_an_older_release_may_not_accept_a_version() {
        for (recorded, target, differs) in [
            ("MariaDB 10.11.14", "10.11.2-MariaDB", false),
            ("MariaDB 10.11.14", "11.8.1-MariaDB", false),
            ("MariaDB 11.8.1", "10.11.14-MariaDB", true),
            ("MySQL 9.7.4", "8.4.0", true),
            ("MySQL 8.0.36", "9.7.4-2", false),
            ("MySQL 9.7.4", "11.8.1-MariaDB", true),
        ] {
            assert_eq!(mismatch(recorded, &found(DEBIAN, target)).is_some(), differs, "{recorded} {target}");
        }
        assert_eq!(described(&found(DEBIAN, "11.8.9-MariaDB-0+deb13u1 from Debian")).unwrap(), "MariaDB 11.8.9");
    }

    #[test]
    fn only_recent_programs_of_mariadb_write_history() {
        for (dump, server, writes) in [
            (DEBIAN, "10.11.19-MariaDB", true),
            (NEWER, "11.4.2-MariaDB", true),
            ("mysqldump  Ver 10.19 Distrib 10.6.16-MariaDB", "10.6.16-MariaDB", false),
            (MYSQL, "8.0.36", false),
        ] {
            assert_eq!(dumps_history(&found(dump, server)), writes, "{dump}");
        }
    }
}
