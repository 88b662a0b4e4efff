//! Into the existing databases, in one transaction each.

use bahub_core::advice::Advice;
use bahub_core::replay::{Effect, Replay, Unsupported};
use bahub_core::step::Step;

use super::super::form::Form;
use super::super::lease::{self, Lease};
use super::super::wipe;
use super::{COMMITTED, Restore, pg_restore};

/// Prevents any commit until the backup is marked as verified.
const GUARD: &str = "CREATE TEMPORARY TABLE bahub_guard (v pg_catalog.int4);\n\
    CREATE FUNCTION pg_temp.bahub_guard() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS 'BEGIN \
      IF pg_catalog.current_setting(''bahub.proven'', true) IS DISTINCT FROM ''yes'' THEN RAISE EXCEPTION ''refused by bahub: the backup ends transactions of its own''; END IF; \
      RETURN NULL; END';\n\
    CREATE CONSTRAINT TRIGGER bahub_guard AFTER INSERT ON bahub_guard DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE PROCEDURE pg_temp.bahub_guard();\n\
    INSERT INTO bahub_guard VALUES (1);\n";

impl Restore<'_> {
    /// Into the existing database, in one transaction.
    pub(super) fn in_place_of_one(&self, form: Form) -> Result<Replay, Unsupported> {
        let Some((name, _)) = self.databases.first() else { return Ok(Replay::default()) };
        let filled = self.filled_in_place(name)?;
        let names = std::slice::from_ref(name);
        let main = match form {
            Form::Custom => vec![pg_restore(), filled],
            Form::Plain | Form::Several => vec![filled],
        };
        Ok(Replay { main, ..self.committed_in_place(names, Effect::YES) })
    }

    /// How it is found out whether these databases were restored in place: each psql commits a schema with the data, which is dropped
    /// afterwards.
    pub(super) fn committed_in_place(&self, names: &[String], all: &str) -> Replay {
        let account = &self.postgres.account;
        let unmarked = |name: &String| account.script(name, &lease::unmarked(&self.lease.mark()));
        let question = account.script(self.maintenance, &self.lease.committed_in(names, all));
        let unclear = unclear_in_place(&self.lease, names);
        Replay {
            cleanup: names.iter().map(unmarked).collect(),
            effect: Some(Effect { question, unclear }),
            ..Replay::default()
        }
    }

    /// psql in this database: it empties it, reads the backup, and commits only when all of that is verified.
    pub(super) fn filled_in_place(&self, name: &str) -> Result<Step, Unsupported> {
        // A killed psql leaves a statement running, with its locks: the server checks its client's connection (14 and later).
        // A dump of large objects ends transactions of its own: a guard undoes what they would commit.
        let prefix = format!(
            "SELECT pg_catalog.set_config('client_connection_check_interval', '500ms', false) \
             WHERE pg_catalog.current_setting('server_version_num')::int >= 140000 \\g /dev/null\n{}BEGIN;\n{GUARD}{}CREATE SCHEMA {};\n",
            self.lease.announced(),
            wipe::script(),
            self.lease.mark()
        );
        let committed = self.key.marks(COMMITTED);
        let suffix = format!("SET LOCAL bahub.proven TO 'yes';\nCOMMIT;\n\\echo {committed}\n");
        Ok(self.read_into(name, (&prefix, &suffix))?.required_output(committed))
    }
}

/// What to do where it cannot be determined which databases were restored in place.
fn unclear_in_place(lease: &Lease, names: &[String]) -> Advice {
    format!(
        "look in each of {} for a schema {}: a database with it is restored (drop the schema), one without it is unchanged; the restore \
         can be repeated",
        names.join(", "),
        lease.mark()
    )
    .into()
}
