//! Into new databases, which take over the names of the old ones at the end.

use bahub_core::advice::Advice;
use bahub_core::replay::{Effect, Replay, RestoreTarget, Unsupported};
use bahub_core::step::Step;

use super::super::form::{Database, Form};
use super::super::preflight::OBJECTION;
use super::super::{lease, sql};
use super::{Restore, pg_restore};

impl Restore<'_> {
    /// Into a new database, which takes over the name at the end.
    pub(super) fn beside_of_one(&self, form: Form) -> Result<Replay, Unsupported> {
        let new = self.lease.new_name(0);
        let main = match form {
            Form::Custom if self.restores_directly() => {
                vec![self.postgres.account.program("pg_restore", &new).arg("--exit-on-error").reads_backup()]
            }
            Form::Custom => vec![pg_restore(), self.read_into(&new, ("", ""))?],
            // It may drop and create databases of its own, which no transaction can.
            Form::Plain | Form::Several if !self.is_ours => vec![self.read_into(&new, ("BEGIN;\n", "COMMIT;\n"))?],
            Form::Plain | Form::Several => vec![self.read_into(&new, ("", ""))?],
        };
        let made = self.made();
        Ok(Replay { before: vec![self.admitted(), made], main, ..self.swap() })
    }

    /// Waits for the lock, and fails if the names cannot be taken over at the end.
    pub(super) fn admitted(&self) -> Step {
        let mut script = self.lease.awaited();
        for (name, _) in &self.databases {
            let name = sql::text(name);
            let is_there =
                format!("EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.datname::pg_catalog.text = {name}");
            script += &match self.target.location {
                RestoreTarget::Database(_) => sql::block(&format!(
                    "BEGIN IF {is_there}) THEN RAISE EXCEPTION '{OBJECTION}: there is a database % already', {name}; END IF; END"
                )),
                RestoreTarget::Original | RestoreTarget::Directory(_) if self.target.keep_old => sql::block(&format!(
                    "BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid \
                       WHERE s.subenabled AND d.datname::pg_catalog.text = {name}) THEN RAISE EXCEPTION \
                     '{OBJECTION}: subscriptions of the database % would go on feeding the one that is kept: disable them first', {name}; END IF; END"
                )),
                RestoreTarget::Original | RestoreTarget::Directory(_) => String::new(),
            };
            if let RestoreTarget::Original = self.target.location {
                script += &sql::block(&format!(
                    "BEGIN IF {is_there} AND NOT pg_catalog.pg_has_role(current_user, d.datdba, 'MEMBER')) THEN \
                     RAISE EXCEPTION '{OBJECTION}: the user does not own the database %, and cannot rename it', {name}; END IF; END"
                ));
            }
        }
        self.script(&script)
    }

    fn made(&self) -> Step {
        let made = self.databases.iter().enumerate();
        self.script(
            &made
                .map(|(index, (name, database))| self.making(&self.lease.new_name(index), name, database))
                .collect::<String>(),
        )
    }

    pub(super) fn making(&self, new: &str, name: &str, database: &Database) -> String {
        let comment = format!("bahub is restoring into this database, which will be renamed to {name:?}");
        format!("{}COMMENT ON DATABASE {} IS {};\n", database.created_as(new), sql::ident(new), sql::text(&comment))
    }

    /// The name of what is replaced.
    fn old_name(&self, index: usize, name: &str) -> String {
        if self.target.keep_old { self.lease.kept_name(name) } else { self.lease.old_name(index) }
    }

    /// The rest of a transaction that gives the new databases their names and properties.
    pub(super) fn swap_in_transaction(&self) -> String {
        // A database created under the other name meanwhile is not replaced: the renaming fails.
        let is_new = matches!(self.target.location, RestoreTarget::Database(_));
        let mut swap = self.lease.announced();
        for (index, (name, database)) in self.databases.iter().enumerate() {
            if !is_new {
                swap += &format!(
                    "SELECT pg_catalog.format('ALTER DATABASE %I RENAME TO %I', d.datname, {}) FROM pg_catalog.pg_database d \
                     WHERE d.datname::pg_catalog.text = {} \\gexec\n",
                    sql::text(&self.old_name(index, name)),
                    sql::text(name)
                );
            }
            swap += &format!(
                "ALTER DATABASE {} RENAME TO {};\nCOMMENT ON DATABASE {} IS NULL;\n{}",
                sql::ident(&self.lease.new_name(index)),
                sql::ident(name),
                sql::ident(name),
                database.given_to(name)
            );
        }
        swap + "COMMIT;\n"
    }

    /// What comes after the data: names, properties, and removal of the old databases.
    pub(super) fn swap(&self) -> Replay {
        let Self { lease, databases, .. } = self;
        let keep = self.target.keep_old;
        let is_new = matches!(self.target.location, RestoreTarget::Database(_));
        let news = (0..databases.len()).map(|index| lease.new_name(index)).collect::<Vec<_>>();
        let old = |(index, (name, _)): (usize, &(String, Database))| self.old_name(index, name);
        let olds = databases.iter().enumerate().filter(|_| !is_new).map(old).collect::<Vec<_>>();
        // Old databases that remain are reported, and the next run removes them.
        let cleanup = if keep {
            Vec::new()
        } else {
            vec![
                self.script(&(lease::replication_named(&olds) + &lease::dropped(&olds)))
                    .warns_on([1, 2, 3])
                    .stderr_warns(),
            ]
        };
        let kept = |old: &String| format!("the previous database, if there was one, is kept as {old}");
        let notices = if keep { olds.iter().map(kept).collect() } else { Vec::new() };
        // What takes the place of a database is there when that has its other name.
        let other = |(index, (name, _)): (usize, &(String, Database))| {
            if !is_new && self.present.contains(name) { self.old_name(index, name) } else { name.clone() }
        };
        let others = databases.iter().enumerate().map(other).collect::<Vec<_>>();
        let names = databases.iter().map(|(name, _)| name.as_str());
        let effect = Effect {
            question: self.script(&lease.taken_over(&news, &others)),
            unclear: unclear(names, &news, &olds, keep),
        };
        let undo = vec![self.script(&lease::dropped(&news))];
        let ended = databases.iter().map(|(name, _)| name.clone()).chain(news).collect::<Vec<_>>();
        Replay {
            after: vec![vec![self.script(&format!("BEGIN;\n{}", self.swap_in_transaction())).stderr_warns()]],
            cleanup,
            effect: Some(effect),
            undo,
            notices,
            beside: Some(lease.held(self.postgres, self.maintenance, &ended)),
            ..Replay::default()
        }
    }
}

/// What to do where it cannot be determined whether the names were taken over.
fn unclear<'a>(names: impl Iterator<Item = &'a str>, news: &[String], olds: &[String], keep: bool) -> Advice {
    let names = names.collect::<Vec<_>>().join(", ");
    let news = news.join(", ");
    let old = match olds {
        [] => String::new(),
        _ if keep => format!(", and what was there before is in {}", olds.join(", ")),
        _ => format!(
            ", and what was there before is in {}, which the next run of a backup of this server drops: rename now what you want to keep",
            olds.join(", ")
        ),
    };
    format!(
        "look at the server with `psql -l`: while {news} is there, {names} is what it was, and the restore can be repeated; \
         otherwise {names} is from the backup{old}"
    )
    .into()
}
