//! What a schema of the `spec` cannot say.

use bahub_core::registry::SpecError;

use super::account::Account;
use super::config::MysqlConfig;
use super::scope::{self, Scope, Table};
use super::{Mysql, extra};

impl MysqlConfig {
    /// Parses everything; all errors are reported at once.
    pub(super) fn check(self) -> Result<Mysql, Vec<SpecError>> {
        let mut wrong = Vec::new();
        let account = Account::parse(&self, &mut wrong);
        let scope = scope::parse(&self, &mut wrong);
        let exclude_tables = Table::parse_each(&self.exclude_tables, scope.as_ref(), &mut wrong);
        wrong.extend(extra::refused(&self.extra_args));
        if self.users == Some(true) && matches!(scope, Some(Scope::One(_))) {
            let what = "users belong to the whole server, so they cannot be part of a backup with `database`";
            wrong.push(SpecError::new("/users", what).with_help("list the database in `databases`, or remove `users`"));
        }
        match (account, scope) {
            (Some(account), Some(scope)) if wrong.is_empty() => Ok(Mysql {
                account,
                users: self.users.unwrap_or(matches!(scope, Scope::All { .. })),
                scope,
                exclude_tables,
                lock: self.lock,
                allow_other_client: self.allow_other_client,
                on_invalid_view: self.on_invalid_view,
                extra_args: self.extra_args,
                counts: self.counts.is_on(),
            }),
            _ => Err(wrong),
        }
    }
}
