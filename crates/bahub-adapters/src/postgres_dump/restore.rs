//! The dumps, restored: into new databases that take over the old ones' names at the end, or into the existing ones.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use bahub_core::adapter::Findings;
use bahub_core::advice::Advice;
use bahub_core::replay::{Effect, Replay, ReplayTarget, RestoreTarget, SegmentReplay, Stored, Unsupported};
use bahub_core::step::{ByteString, Stdin, Step};

use super::capture::{GLOBALS, TRAILER, data_of};
use super::form::{self, Database, Form};
use super::lease::{self, Lease};
use super::preflight::{self, OBJECTION};
use super::scope::{self, Scope};
use super::{PostgresDump, sql, wipe};

/// What psql prints after the commit of a restore in place: its exit status is 0 without a commit, too.
const COMMITTED: &str = "bahub: committed";

/// Prevents any commit until the backup is marked as verified.
const GUARD: &str = "CREATE TEMPORARY TABLE bahub_guard (v pg_catalog.int4);\n\
    CREATE FUNCTION pg_temp.bahub_guard() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS 'BEGIN \
      IF pg_catalog.current_setting(''bahub.proven'', true) IS DISTINCT FROM ''yes'' THEN RAISE EXCEPTION ''bahub objects: the backup ends transactions of its own''; END IF; \
      RETURN NULL; END';\n\
    CREATE CONSTRAINT TRIGGER bahub_guard AFTER INSERT ON bahub_guard DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE PROCEDURE pg_temp.bahub_guard();\n\
    INSERT INTO bahub_guard VALUES (1);\n";

pub(super) fn replay(
    postgres: &PostgresDump,
    target: &ReplayTarget,
    found: &Findings,
    stored: &Stored,
) -> Result<Replay, Unsupported> {
    if let RestoreTarget::Directory(directory) = &target.location {
        return Err(Unsupported {
            what: format!("the postgres_dump adapter cannot restore into the folder {}", directory.display()),
            help: "{restore under another name}, or {download the data}".into(),
        });
    }
    if !target.in_place && !preflight::may_make(found) {
        return Err(Unsupported {
            what:
                "the user may not create databases, and a restore fills a new database before it replaces the old one"
                    .into(),
            help: "ALTER ROLE ... CREATEDB; or {restore in place}, in one transaction".into(),
        });
    }
    let (form, databases) = form::stored(postgres, stored)?;
    let present = found.get(preflight::DATABASES).and_then(Database::parse_each).unwrap_or_default();
    match &postgres.scope {
        Scope::One(name) => {
            members_of_one(&target.members)?;
            let place = match &target.location {
                RestoreTarget::Database(other) => free(other)?,
                RestoreTarget::Original | RestoreTarget::Directory(_) => name,
            };
            // A stream without a record: with the properties of the existing database.
            let known = [databases, present].concat().into_iter().next();
            let database = known.unwrap_or_else(|| Database::unknown(name));
            let restore = Restore::new(postgres, target, stored, vec![(place.clone(), database)]);
            let trailer = (form == Form::Plain).then(|| ByteString::from(TRAILER));
            Ok(Replay {
                trailer,
                ..if target.in_place { restore.in_place_of_one(form) } else { restore.beside_of_one(form) }
            })
        }
        Scope::Some(_) | Scope::All { .. } => {
            named_by_the_spec(postgres, target, &databases)?;
            let wanted = members_of_several(&target.members, databases)?;
            let globals = postgres.globals && target.members.is_empty();
            let named = match (&target.location, wanted.as_slice()) {
                (RestoreTarget::Database(other), [_]) => vec![(free(other)?.clone(), wanted[0].clone())],
                // Nothing is known about the version yet.
                (RestoreTarget::Database(_), []) => Vec::new(),
                (RestoreTarget::Database(_), _) => return Err(one_name(&wanted)),
                _ => wanted.into_iter().map(|database| (database.name.clone(), database)).collect(),
            };
            Ok(Restore::new(postgres, target, stored, named).of_several(globals))
        }
    }
}

pub(super) fn restore_warning(target: &ReplayTarget) -> Option<&'static str> {
    match (&target.location, target.in_place) {
        (RestoreTarget::Original, true) => {
            Some("everything in the database is dropped and recreated in one transaction, which blocks other sessions")
        }
        (RestoreTarget::Original, false) if target.keep_old => Some(
            "a new database replaces the old one in one transaction, which disconnects clients; the old one is kept under another name",
        ),
        (RestoreTarget::Original, false) => Some(
            "a new database replaces the old one in one transaction, which disconnects clients; the old one is dropped, and changes since the backup are lost",
        ),
        (RestoreTarget::Directory(_) | RestoreTarget::Database(_), _) => None,
    }
}

fn one_name(databases: &[Database]) -> Unsupported {
    let names: Vec<_> = databases.iter().map(|database| database.name.as_str()).collect();
    Unsupported {
        what: "the version contains several databases, but only one can be restored beside the originals".into(),
        help: format!("{{choose what is restored}}: one of {}", names.join(", ")).into(),
    }
}

fn members_of_one(members: &[OsString]) -> Result<(), Unsupported> {
    match members.first() {
        Some(member) => Err(Unsupported {
            what: format!("the postgres_dump adapter cannot restore only {}", member.display()),
            help: "{restore under another name}, and copy what is needed from there".into(),
        }),
        None => Ok(()),
    }
}

/// Refuses a version that would replace a database that the spec does not name.
fn named_by_the_spec(
    postgres: &PostgresDump,
    target: &ReplayTarget,
    databases: &[Database],
) -> Result<(), Unsupported> {
    let is_named = |database: &&Database| match &postgres.scope {
        Scope::One(name) => database.name == *name,
        Scope::Some(names) => names.contains(&database.name),
        Scope::All { exclude } => !exclude.contains(&database.name),
    };
    let is_whole = target.location == RestoreTarget::Original && target.members.is_empty();
    match databases.iter().find(|database| is_whole && !is_named(database)) {
        Some(database) => Err(Unsupported {
            what: format!("the version would replace the database {:?}, which the spec does not list", database.name),
            help: "{choose what is restored}, or restore it with a spec that lists all its databases".into(),
        }),
        None => Ok(()),
    }
}

/// The databases of these names; all of them without names.
fn members_of_several(members: &[OsString], databases: Vec<Database>) -> Result<Vec<Database>, Unsupported> {
    let is = |member: &OsString, database: &Database| member.as_bytes() == database.name.as_bytes();
    let absent = |member: &&OsString| !databases.iter().any(|database| is(member, database));
    // Without a record the version was not inspected yet.
    if let Some(member) = members.iter().find(absent).filter(|_| !databases.is_empty()) {
        let names = databases.iter().map(|database| database.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Unsupported {
            what: format!("the version contains no database {}", member.display()),
            help: format!("it contains {names}").into(),
        });
    }
    let wanted = |database: &Database| members.is_empty() || members.iter().any(|member| is(member, database));
    Ok(databases.into_iter().filter(wanted).collect())
}

fn free(name: &String) -> Result<&String, Unsupported> {
    match scope::objection(name) {
        Some(objection) => Err(Unsupported {
            what: format!("{name:?} is not a database name: {objection}"),
            help: "choose another name".into(),
        }),
        None => Ok(name),
    }
}

/// A restore of databases, each under a name.
struct Restore<'a> {
    postgres: &'a PostgresDump,
    target: &'a ReplayTarget,
    lease: Lease,
    maintenance: &'static str,
    databases: Vec<(String, Database)>,
    /// Whether the version has a record: then its form is known.
    is_ours: bool,
}

impl<'a> Restore<'a> {
    fn new(
        postgres: &'a PostgresDump,
        target: &'a ReplayTarget,
        stored: &Stored,
        databases: Vec<(String, Database)>,
    ) -> Self {
        let maintenance = lease::maintenance(databases.iter().map(|(name, _)| name.as_str()));
        let is_ours = !stored.record.is_empty();
        Self { postgres, target, lease: Lease::of(&target.run), maintenance, databases, is_ours }
    }

    /// Into a new database, which takes over the name at the end.
    fn beside_of_one(&self, form: Form) -> Replay {
        let new = self.lease.new_name(0);
        let main = match form {
            Form::Custom => self.postgres.account.program("pg_restore", &new).arg("--exit-on-error").reads_backup(),
            // It may drop and create databases of its own, which no transaction can.
            Form::Plain | Form::Several if !self.is_ours => {
                let (prefix, suffix) = (ByteString::from("BEGIN;\n"), ByteString::from("\n;\nCOMMIT;\n"));
                self.postgres.account.psql(&new).stdin(Stdin::Backup { prefix, suffix })
            }
            Form::Plain | Form::Several => self.postgres.account.psql(&new).reads_backup(),
        };
        let made = self.made();
        Replay { before: vec![self.admitted(), made], main: vec![main], ..self.swap() }
    }

    /// Into the existing database, in one transaction.
    fn in_place_of_one(&self, form: Form) -> Replay {
        let Some((name, _)) = self.databases.first() else { return Replay::default() };
        let filled = self.filled_in_place(name);
        let main = match form {
            Form::Custom => {
                let script = Step::new("pg_restore").env("LC_ALL", "C").arg("--file=-").reads_backup();
                vec![script, filled]
            }
            Form::Plain | Form::Several => vec![filled],
        };
        Replay { main, ..Replay::default() }
    }

    /// Roles first, then each database from its segment.
    fn of_several(&self, globals: bool) -> Replay {
        let mut segments = Vec::new();
        if globals {
            let main = vec![self.postgres.account.psql(self.maintenance).reads_backup()];
            segments.push(SegmentReplay { name: GLOBALS.into(), before: Vec::new(), main });
        }
        for (index, (name, database)) in self.databases.iter().enumerate() {
            let (before, main) = if self.target.in_place {
                (Vec::new(), self.filled_in_place(name))
            } else {
                let new = self.lease.new_name(index);
                let main = self.postgres.account.psql(&new).reads_backup();
                (vec![self.made_one(&new, name, database)], main)
            };
            segments.push(SegmentReplay { name: data_of(&database.name), before, main: vec![main] });
        }
        match (self.target.in_place, self.databases.is_empty()) {
            // Nothing is known about the version yet: this only checks whether a restore is possible.
            (_, true) => {
                Replay { main: vec![self.postgres.account.psql(self.maintenance).reads_backup()], ..Replay::default() }
            }
            (true, false) => Replay { segments, ..Replay::default() },
            (false, false) => Replay { before: vec![self.admitted()], segments, ..self.swap() },
        }
    }

    fn script(&self, script: &str) -> Step {
        self.postgres.account.script(self.maintenance, script)
    }

    /// Waits for the lock, and fails if the names cannot be taken over at the end.
    fn admitted(&self) -> Step {
        let mut script = self.lease.awaited();
        for (name, _) in &self.databases {
            let name = sql::text(name);
            let is_there =
                format!("EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.datname::pg_catalog.text = {name}");
            script += &match self.target.location {
                RestoreTarget::Database(_) => sql::block(&format!(
                    "BEGIN IF {is_there}) THEN RAISE EXCEPTION '{OBJECTION}: there is a database % already', {name}; END IF; END"
                )),
                RestoreTarget::Original | RestoreTarget::Directory(_) => sql::block(&format!(
                    "BEGIN IF {is_there} AND NOT pg_catalog.pg_has_role(current_user, d.datdba, 'MEMBER')) THEN \
                     RAISE EXCEPTION '{OBJECTION}: the user does not own the database %, and cannot rename it', {name}; END IF; END"
                )),
            };
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

    fn made_one(&self, new: &str, name: &str, database: &Database) -> Step {
        self.script(&self.making(new, name, database))
    }

    fn making(&self, new: &str, name: &str, database: &Database) -> String {
        let comment = format!("bahub is restoring into this database, which will be renamed to {name:?}");
        format!("{}COMMENT ON DATABASE {} IS {};\n", database.created_as(new), sql::ident(new), sql::text(&comment))
    }

    /// What comes after the data: names, properties, and removal of the old databases.
    fn swap(&self) -> Replay {
        let Self { lease, databases, .. } = self;
        let keep = self.target.keep_old;
        let old = |index: usize, name: &str| if keep { lease.kept_name(name) } else { lease.old_name(index) };
        // A database created under the other name meanwhile is not replaced: the renaming fails.
        let is_new = matches!(self.target.location, RestoreTarget::Database(_));
        let mut swap = lease.announced() + "BEGIN;\n";
        let mut news = Vec::new();
        let mut olds = Vec::new();
        for (index, (name, database)) in databases.iter().enumerate() {
            let (new, old) = (lease.new_name(index), old(index, name));
            if !is_new {
                swap += &format!(
                    "SELECT pg_catalog.format('ALTER DATABASE %I RENAME TO %I', d.datname, {}) FROM pg_catalog.pg_database d \
                     WHERE d.datname::pg_catalog.text = {} \\gexec\n",
                    sql::text(&old),
                    sql::text(name)
                );
                olds.push(old);
            }
            swap += &format!(
                "ALTER DATABASE {} RENAME TO {};\nCOMMENT ON DATABASE {} IS NULL;\n{}",
                sql::ident(&new),
                sql::ident(name),
                sql::ident(name),
                database.given_to(name)
            );
            news.push(new);
        }
        swap += "COMMIT;\n";
        // Old databases that remain are reported, and the next run removes them.
        let cleanup = if keep { Vec::new() } else { vec![self.script(&lease::dropped(&olds)).warns_on([1, 2, 3]).stderr_warns()] };
        let kept = |old: &String| format!("the previous database, if there was one, is kept as {old}");
        let notices = if keep { olds.iter().map(kept).collect() } else { Vec::new() };
        let names = databases.iter().map(|(name, _)| name.as_str());
        let effect = Effect { question: self.script(&lease.taken_over(&news)), unclear: unclear(names, &news, &olds) };
        let undo = vec![self.script(&lease::dropped(&news))];
        let ended = databases.iter().map(|(name, _)| name.clone()).chain(news).collect::<Vec<_>>();
        Replay {
            after: vec![self.script(&swap).stderr_warns()],
            cleanup,
            effect: Some(effect),
            undo,
            notices,
            beside: Some(lease.held(self.postgres, self.maintenance, &ended)),
            ..Replay::default()
        }
    }

    /// psql in this database: it empties it, reads the backup, and commits only when all of that is verified.
    fn filled_in_place(&self, name: &str) -> Step {
        // A killed psql leaves a statement running, with its locks: the server checks its client's connection (14 and later).
        // A dump of large objects ends transactions of its own: a guard undoes what they would commit.
        let prefix = format!(
            "SELECT pg_catalog.set_config('client_connection_check_interval', '500ms', false) \
             WHERE pg_catalog.current_setting('server_version_num')::int >= 140000 \\g /dev/null\nBEGIN;\n{GUARD}{}",
            wipe::script()
        );
        let suffix = format!("\n;\nSET LOCAL bahub.proven TO 'yes';\nCOMMIT;\n\\echo {COMMITTED}\n");
        let stdin = Stdin::Backup { prefix: ByteString::from(&prefix), suffix: ByteString::from(&suffix) };
        self.postgres.account.psql(name).stdin(stdin).required_output(COMMITTED)
    }
}

/// What to do where it cannot be determined whether the names were taken over.
fn unclear<'a>(names: impl Iterator<Item = &'a str>, news: &[String], olds: &[String]) -> Advice {
    let names = names.collect::<Vec<_>>().join(", ");
    let (news, olds) = (news.join(", "), olds.join(", "));
    format!(
        "look at the server with `psql -l`: while {news} is there, {names} is what it was, and the restore can be repeated; \
         otherwise {names} is from the backup, and what was there before is in {olds}; nothing was dropped; \
         the next run of a backup of this server removes what is left"
    )
    .into()
}
