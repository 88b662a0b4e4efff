//! What a schema of the `spec` cannot say.

use bahub_core::capture::OnFailure;
use bahub_core::registry::SpecError;

use super::PostgresDump;
use super::account::Account;
use super::config::{OnDatabaseFailure, PostgresDumpConfig};
use super::scope::{self, Scope};
use crate::options;

/// The allowed options for `pg_dump`. All others write files, or remove something from the backup.
const ALLOWED: [&str; 11] = [
    "column-inserts",
    "disable-dollar-quoting",
    "extra-float-digits",
    "inserts",
    "load-via-partition-root",
    "lock-wait-timeout",
    "on-conflict-do-nothing",
    "quote-all-identifiers",
    "rows-per-insert",
    "serializable-deferrable",
    "verbose",
];

impl PostgresDumpConfig {
    /// Parses everything; all errors are reported at once.
    pub(super) fn check(self) -> Result<PostgresDump, Vec<SpecError>> {
        let mut wrong = Vec::new();
        let account = Account::parse(&self, &mut wrong);
        let scope = scope::parse(&self, &mut wrong);
        wrong.extend(options::refused(&ALLOWED, &self.extra_args));
        let is_no_pattern = |pattern: &&String| pattern.is_empty() || pattern.contains('\0');
        if let Some(pattern) = self.exclude_tables.iter().find(is_no_pattern) {
            let what = format!("{pattern:?} is not a table name");
            wrong.push(SpecError::new("/exclude_tables", what).with_help("write `table`, or `schema.table`"));
        }
        let is_one = matches!(scope, Some(Scope::One(_)));
        if self.globals == Some(true) && is_one {
            let what = "roles belong to the whole server, so they cannot be part of a backup with `database`";
            let help = "list the database in `databases`, or remove `globals`";
            wrong.push(SpecError::new("/globals", what).with_help(help));
        }
        let on_failure = match self.on_failure {
            OnDatabaseFailure::Fail => OnFailure::ReadOn,
            OnDatabaseFailure::Partial => OnFailure::LeaveOut,
        };
        if on_failure == OnFailure::LeaveOut && is_one {
            let what = "a backup of one database is whole or there is none";
            wrong.push(SpecError::new("/on_failure", what).with_help("remove it, or list the database in `databases`"));
        }
        match (account, scope) {
            (Some(account), Some(scope)) if wrong.is_empty() => Ok(PostgresDump {
                account,
                globals: self.globals.unwrap_or(matches!(scope, Scope::All { .. })),
                scope,
                exclude_tables: self.exclude_tables,
                format: self.format,
                schema_only: self.schema_only,
                extra_args: self.extra_args,
                on_failure,
                counts: self.counts.is_on(),
            }),
            _ => Err(wrong),
        }
    }
}
