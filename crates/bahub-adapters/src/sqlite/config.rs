//! The `spec` of the adapter.

use std::path::{Component, Path, PathBuf};

use bahub_core::registry::SpecError;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Sqlite;
use crate::Counts;

pub(super) const EXAMPLE: &str = r#"# The absolute path of the database file. Several databases: a backup for each.
path: /srv/app/app.db
# Whether a backup of a damaged database is refused, and its restore.
check: true
# Whether rows are counted before and after, for drills to compare with.
counts: on
"#;

/// The database file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SqliteConfig {
    /// The absolute path of the database file.
    pub path: String,
    /// Whether a backup of a damaged database is refused (`PRAGMA integrity_check`), and its restore.
    #[serde(default = "yes")]
    pub check: bool,
    /// Whether rows are counted before and after the backup, for drills to compare with.
    #[serde(default)]
    pub counts: Counts,
}

fn yes() -> bool {
    true
}

impl SqliteConfig {
    /// This file; the rest has its defaults.
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), check: yes(), counts: Counts::default() }
    }

    /// Parses the path.
    pub(super) fn check(self) -> Result<Sqlite, Vec<SpecError>> {
        let wrong = |what: String, help| Err(vec![SpecError::new("/path", what).with_help(help)]);
        let Self { path, check, counts } = self;
        if !path.starts_with('/') {
            let help = "begin it with a /: the meaning of a relative path would depend on the transport";
            return wrong(format!("the path \"{path}\" is not absolute"), help);
        }
        if path.contains(['\0', '\n']) {
            return wrong(format!("the path {path:?} contains a NUL byte or a line break"), "rename the file");
        }
        let is_plain =
            Path::new(&path).components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        if !is_plain || path.ends_with('/') || path.contains("/./") || Path::new(&path).file_name().is_none() {
            return wrong(format!("the path \"{path}\" is not that of a file"), "write it as `realpath` prints it");
        }
        Ok(Sqlite { path: PathBuf::from(path), check, counts: counts.is_on() })
    }
}
