//! Scripts out of a version, which may be anybody's text: psql runs their statements, and none of its own commands, of which
//! `\!` starts programs.

use bahub_core::adapter::Findings;
use bahub_core::replay::Unsupported;
use bahub_core::script::{HeadChange, NewLine, ScriptEdits};
use bahub_core::step::{ByteString, Stdin, Step};

use super::account::UNLIMITED;
use super::preflight::PSQL;
use super::release::Release;
use super::{needs, sql};

/// psql's commands that begin and end its restricted mode. They do not nest, so those of pg_dump are left out.
const RESTRICTION: [&str; 2] = ["\\restrict ", "\\unrestrict "];

/// What ends restricted mode: with backquotes after it psql 15.18 runs a program, whatever the key.
const WAY_OUT: &str = "\\unrestrict";

/// What lines of a dump's head begin with.
const HEAD: [&str; 3] = ["--", "SET ", "SELECT pg_catalog.set_config("];
const PATH: &str = "SELECT pg_catalog.set_config('search_path', '', false)";

/// What a script may have changed for the text after it: how psql and the server read bytes and quotes.
const OURS: &str = "\\encoding UTF8\n;\nSET standard_conforming_strings TO on;\n";

/// What follows one that a script cannot know, so that it cannot leave psql's restricted mode.
#[derive(Debug, Clone)]
pub(super) struct Key(String);

impl Key {
    /// That of a run, whose id is new and in no version. It is turned round: the id itself is in names that psql can insert.
    pub(super) fn of(run: &str) -> Self {
        Self(run.chars().filter(char::is_ascii_alphanumeric).rev().chain("key".chars()).collect())
    }

    /// Words that a script cannot print.
    pub(super) fn marks(&self, words: &str) -> String {
        format!("{words} {}", self.0)
    }

    /// psql, reading a script of the version between two of ours. Without the second one its input ends with the script.
    pub(super) fn read_by(&self, psql: Step, (before, after): (&str, &str), edits: ScriptEdits) -> Step {
        let prefix = format!("{UNLIMITED}{before}\\restrict {}\n", self.0);
        let suffix = match after {
            "" => String::new(),
            _ => format!("\n{WAY_OUT} {}\n{OURS}{after}", self.0),
        };
        let (prefix, suffix) = (ByteString::from(&prefix), ByteString::from(&suffix));
        psql.stdin(Stdin::Backup { prefix, suffix }).edits_script(edits)
    }
}

/// What is changed in every script: settings that the server does not know stay unset, because a newer pg_dump sets some of its own
/// release. Functions that rely on a search path find it, where one is given here or by the script itself.
pub(super) fn edits(search_path: Option<&str>) -> ScriptEdits {
    let words = |words: &[&str]| words.iter().map(|words| ByteString::from(*words)).collect::<Vec<_>>();
    let where_known = NewLine::Between(
        ByteString::from("DO $bahub$ BEGIN "),
        ByteString::from(" EXCEPTION WHEN undefined_object THEN NULL; END $bahub$;"),
    );
    let path = search_path.map_or_else(
        || format!("coalesce(pg_catalog.current_setting('{}', true), '')", needs::PATH_SETTING),
        sql::text,
    );
    let path = format!("SELECT pg_catalog.set_config('search_path', {path}, false);");
    let path = HeadChange { begins: ByteString::from(PATH), becomes: NewLine::Other(ByteString::from(&path)) };
    let set = HeadChange { begins: ByteString::from("SET "), becomes: where_known };
    ScriptEdits {
        head: words(&[HEAD.as_slice(), &RESTRICTION].concat()),
        bracket: words(&RESTRICTION),
        changes: vec![set, path],
        omitted: Vec::new(),
        refused: words(&[WAY_OUT]),
    }
}

/// Why psql there cannot be kept from running commands of its own.
pub(super) fn objection(found: &Findings) -> Option<String> {
    let release = found.get(PSQL).and_then(Release::parse)?;
    (!release.restricts()).then(|| {
        format!("psql {release} there cannot restrict what a script may do: commands in the backup could start programs as its user")
    })
}

/// What to do about it.
pub(super) const NEWER: &str = "install a newer psql there: 13.22, 14.19, 15.14, 16.10, 17.6, 18, or later ones of these; psql works with older servers too";

/// Refuses to have psql read scripts out of a version where it cannot be restricted.
pub(super) fn restricted(found: &Findings) -> Result<(), Unsupported> {
    objection(found).map_or(Ok(()), |what| Err(Unsupported { what, help: NEWER.into() }))
}
