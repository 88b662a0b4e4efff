//! The dumps, restored: into new databases that take over the old ones' names at the end, or into the existing ones.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use bahub_core::adapter::Findings;
use bahub_core::advice::Advice;
use bahub_core::replay::{Effect, Replay, ReplayTarget, RestoreTarget, SegmentReplay, Stored, Unsupported};
use bahub_core::script::ScriptEdits;
use bahub_core::step::{ByteString, Step};

use super::capture::{GLOBALS, ROLES, TRAILER, data_of};
use super::form::{self, Database, Form, StoredRoles};
use super::lease::{self, Lease};
use super::preflight::{self, OBJECTION};
use super::release::Release;
use super::scope::{self, Scope};
use super::script::{self, Key};
use super::{PostgresDump, needs, roles, sql, wipe};

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
            needs::met(found, stored, target.in_place)?;
            archive_readable(form, found, stored)?;
            let place = match &target.location {
                RestoreTarget::Database(other) => free(other)?,
                RestoreTarget::Original | RestoreTarget::Directory(_) => name,
            };
            // A stream without a record: with the properties of the existing database.
            let known = [databases, present].concat().into_iter().next();
            let database = known.unwrap_or_else(|| Database::unknown(name));
            let restore = Restore::new(postgres, target, found, stored, vec![(place.clone(), database)]);
            let trailer = (form == Form::Plain).then(|| ByteString::from(TRAILER));
            Ok(Replay {
                trailer,
                ..if target.in_place { restore.in_place_of_one(form)? } else { restore.beside_of_one(form)? }
            })
        }
        Scope::Some(_) | Scope::All { .. } => {
            named_by_the_spec(postgres, target, &databases)?;
            let wanted = members_of_several(&target.members, databases)?;
            let globals = postgres.globals && target.members.is_empty();
            let roles = if globals { roles_of(target, stored)? } else { StoredRoles::Absent };
            let named = match (&target.location, wanted.as_slice()) {
                (RestoreTarget::Database(other), [_]) => vec![(free(other)?.clone(), wanted[0].clone())],
                // Nothing is known about the version yet.
                (RestoreTarget::Database(_), []) => Vec::new(),
                (RestoreTarget::Database(_), _) => return Err(one_name(&wanted)),
                _ => wanted.into_iter().map(|database| (database.name.clone(), database)).collect(),
            };
            Restore::new(postgres, target, found, stored, named).of_several(&roles)
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
    found: &'a Findings,
    lease: Lease,
    key: Key,
    maintenance: &'static str,
    databases: Vec<(String, Database)>,
    /// The databases of the spec that are there now.
    present: Vec<String>,
    /// The search path that functions in the version need.
    search_path: Option<String>,
    /// Whether the version has a record: then its form is known.
    is_ours: bool,
}

impl<'a> Restore<'a> {
    fn new(
        postgres: &'a PostgresDump,
        target: &'a ReplayTarget,
        found: &'a Findings,
        stored: &Stored,
        databases: Vec<(String, Database)>,
    ) -> Self {
        let maintenance = lease::maintenance(databases.iter().map(|(name, _)| name.as_str()));
        let (lease, key) = (Lease::of(&target.run), Key::of(&target.run));
        let is_ours = !stored.record.is_empty();
        let search_path = needs::search_path(stored).map(str::to_owned);
        let present = found.get(preflight::DATABASES).and_then(Database::parse_each).unwrap_or_default();
        let present = present.into_iter().map(|database| database.name).collect();
        Self { postgres, target, found, lease, key, maintenance, databases, present, search_path, is_ours }
    }

    /// Into a new database, which takes over the name at the end.
    fn beside_of_one(&self, form: Form) -> Result<Replay, Unsupported> {
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

    /// Whether pg_restore may speak to the server itself: a newer one sets what the server does not know.
    fn restores_directly(&self) -> bool {
        let release = |name| self.found.get(name).and_then(Release::parse);
        match (release(preflight::PG_RESTORE), release(preflight::SERVER)) {
            // Where psql could do better, if it may.
            _ if self.search_path.is_some() && script::objection(self.found).is_none() => false,
            (Some(program), Some(server)) => program.major <= server.major,
            _ => true,
        }
    }

    /// psql in this database, reading a script of the version.
    fn read_into(&self, database: &str, around: (&str, &str)) -> Result<Step, Unsupported> {
        self.reads(database, around, script::edits(self.search_path.as_deref()))
    }

    fn reads(&self, database: &str, around: (&str, &str), edits: ScriptEdits) -> Result<Step, Unsupported> {
        script::restricted(self.found)?;
        Ok(self.key.read_by(self.postgres.account.psql(database), around, edits))
    }

    /// Into the existing database, in one transaction.
    fn in_place_of_one(&self, form: Form) -> Result<Replay, Unsupported> {
        let Some((name, _)) = self.databases.first() else { return Ok(Replay::default()) };
        let filled = self.filled_in_place(name)?;
        let names = std::slice::from_ref(name);
        let main = match form {
            Form::Custom => vec![pg_restore(), filled],
            Form::Plain | Form::Several => vec![filled],
        };
        Ok(Replay { main, ..self.committed_in_place(names, Effect::YES) })
    }

    /// Roles that are missing first, then each database from its segment, then the rest about roles.
    fn of_several(&self, roles: &StoredRoles) -> Result<Replay, Unsupported> {
        if self.databases.is_empty() {
            // Nothing is known about the version yet: this only checks whether a restore is possible.
            return Ok(Replay { main: vec![self.read_into(self.maintenance, ("", ""))?], ..Replay::default() });
        }
        let mut segments = Vec::new();
        let segment = |name: &str, before, main| SegmentReplay { name: name.into(), before, main: vec![main] };
        let mut spaces = String::new();
        match roles {
            StoredRoles::Apart(tablespaces) => {
                segments.push(segment(ROLES, Vec::new(), self.read_into(self.maintenance, ("", ""))?));
                spaces = tablespaces.iter().map(|(name, create)| made_where_absent(name, create)).collect();
            }
            StoredRoles::First => {
                let edits = ScriptEdits { omitted: vec![ByteString::from(") \\gexec")], ..script::edits(None) };
                segments.push(segment(GLOBALS, Vec::new(), self.reads(self.maintenance, ("", ""), edits)?));
            }
            StoredRoles::Absent => {}
        }
        for (index, (name, database)) in self.databases.iter().enumerate() {
            let mut before = std::mem::take(&mut spaces);
            let main = if self.target.in_place {
                self.filled_in_place(name)?
            } else {
                let new = self.lease.new_name(index);
                before += &self.making(&new, name, database);
                self.read_into(&new, ("", ""))?
            };
            let before = if before.is_empty() { Vec::new() } else { vec![self.script(&before)] };
            segments.push(segment(&data_of(&database.name), before, main));
        }
        let mut replay = if self.target.in_place {
            let names: Vec<_> = self.databases.iter().map(|(name, _)| name.clone()).collect();
            let all = if let StoredRoles::Apart(_) = roles { "all, but perhaps not the roles" } else { Effect::YES };
            self.committed_in_place(&names, all)
        } else {
            Replay { before: vec![self.admitted()], ..self.swap() }
        };
        if let StoredRoles::Apart(_) = roles {
            let swap = if self.target.in_place { "COMMIT;\n".to_owned() } else { self.swap_in_transaction() };
            segments.push(segment(GLOBALS, Vec::new(), self.finishing(&swap)?));
            // They are one transaction.
            replay.after.clear();
            if !self.target.with_roles {
                replay.notices.push(
                    "roles that were there before are as they were, with their passwords and memberships; a restore overwrites them only where that is asked for (docs/adapters/postgres_dump.md)".into(),
                );
            }
        }
        Ok(Replay { segments, ..replay })
    }

    /// psql in a transaction, which reads what is left about roles and goes on with this when the backup is proven.
    fn finishing(&self, then: &str) -> Result<Step, Unsupported> {
        let scope = if self.target.with_roles { "all" } else { "new" };
        let before = format!("BEGIN;\nSET LOCAL {} TO '{scope}';\n", roles::SCOPE);
        // What reads the rest as data of a COPY ends well, too.
        let committed = self.key.marks(COMMITTED);
        let then = format!("{then}\\echo {committed}\n");
        Ok(self.read_into(self.maintenance, (&before, &then))?.required_output(committed).stderr_warns())
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

    fn making(&self, new: &str, name: &str, database: &Database) -> String {
        let comment = format!("bahub is restoring into this database, which will be renamed to {name:?}");
        format!("{}COMMENT ON DATABASE {} IS {};\n", database.created_as(new), sql::ident(new), sql::text(&comment))
    }

    /// The name of what is replaced.
    fn old_name(&self, index: usize, name: &str) -> String {
        if self.target.keep_old { self.lease.kept_name(name) } else { self.lease.old_name(index) }
    }

    /// The rest of a transaction that gives the new databases their names and properties.
    fn swap_in_transaction(&self) -> String {
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
    fn swap(&self) -> Replay {
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
        let effect =
            Effect { question: self.script(&lease.taken_over(&news, &others)), unclear: unclear(names, &news, &olds) };
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

    /// What tells whether these databases were restored in place: each psql commits a schema with the data, which is dropped
    /// afterwards.
    fn committed_in_place(&self, names: &[String], all: &str) -> Replay {
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
    fn filled_in_place(&self, name: &str) -> Result<Step, Unsupported> {
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
        "look at each of {}: it is from the backup where it has a schema {}, which can be dropped then, and what it was before where it has none; \
         the restore can be repeated",
        names.join(", "),
        lease.mark()
    )
    .into()
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

/// Where the roles of a version are, unless it is not known yet. Refuses one whose roles can only be overwritten.
fn roles_of(target: &ReplayTarget, stored: &Stored) -> Result<StoredRoles, Unsupported> {
    match form::stored_roles(stored) {
        StoredRoles::First if !target.with_roles && !stored.record.is_empty() => Err(Unsupported {
            what: "the version was made by an earlier bahub: its roles can only be restored all at once, and before the data, \
                   which overwrites the passwords of those that exist"
                .into(),
            help: "{overwrite existing roles}; or restore with `globals: false` in the spec, without roles".into(),
        }),
        roles => Ok(roles),
    }
}

fn made_where_absent(name: &str, create: &str) -> String {
    let name = sql::text(name);
    format!(
        "SELECT {} WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_tablespace t WHERE t.spcname::pg_catalog.text = {name}) \\gexec\n",
        sql::text(create)
    )
}

/// The script in an archive.
fn pg_restore() -> Step {
    Step::new("pg_restore").env("LC_ALL", "C").arg("--file=-").reads_backup()
}

/// The first pg_restore that reads an archive of this minor format; each reads older ones (`K_VERS_1_15` and others in PostgreSQL's
/// source).
const ARCHIVES: [(u8, u32); 2] = [(15, 16), (16, 17)];

/// Refuses an archive that pg_restore there is too old for. Its format stands at its beginning: `PGDMP`, 1, 16.
fn archive_readable(form: Form, found: &Findings, stored: &Stored) -> Result<(), Unsupported> {
    let program = found.get(preflight::PG_RESTORE).and_then(Release::parse);
    let (Form::Custom, Some(program), [b'P', b'G', b'D', b'M', b'P', 1, minor, ..]) =
        (form, program, stored.prefix.as_slice())
    else {
        return Ok(());
    };
    match ARCHIVES.iter().find(|(format, first)| format == minor && program.major < *first) {
        Some((_, first)) => Err(Unsupported {
            what: format!(
                "the version is an archive of the format 1.{minor}, which pg_restore {program} there cannot read"
            ),
            help: format!(
                "install the client programs of PostgreSQL {first} or later there: postgresql-client-{first}"
            )
            .into(),
        }),
        None => Ok(()),
    }
}
