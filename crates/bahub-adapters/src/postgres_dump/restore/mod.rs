//! The dumps, restored: into new databases that take over the old ones' names at the end, or into the existing ones.

mod beside;
mod in_place;
mod wanted;

use bahub_core::adapter::Findings;
use bahub_core::replay::{Effect, Replay, ReplayTarget, RestoreTarget, SegmentReplay, Stored, Unsupported};
use bahub_core::script::ScriptEdits;
use bahub_core::step::{ByteString, Step};

use super::capture::{GLOBALS, ROLES, TRAILER, data_of};
use super::form::{self, Database, Form, StoredRoles};
use super::lease::{self, Lease};
use super::release::Release;
use super::scope::Scope;
use super::script::{self, Key};
use super::{PostgresDump, needs, preflight, roles, sql};
use wanted::{archive_readable, free, members_of_one, members_of_several, named_by_the_spec, one_name, roles_of};

/// What psql prints after the commit of a restore in place: its exit status is 0 without a commit, too.
const COMMITTED: &str = "bahub: committed";

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
            help: "name a user that may restore, in a second configuration file (docs/adapters/postgres_dump.md); or ALTER ROLE ... CREATEDB. To \
                   overwrite the database itself, in one transaction: {restore in place}"
                .into(),
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
            "a new database replaces the old one in one transaction, which disconnects clients; the old one is dropped, and what is not in the backup is lost: changes since then, and what the spec leaves out",
        ),
        (RestoreTarget::Directory(_) | RestoreTarget::Database(_), _) => None,
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
        // A warning in one line, without the place in the server's source.
        let before = format!(
            "\\set verbosity :VERBOSITY\n\\set VERBOSITY terse\nBEGIN;\nSET LOCAL client_min_messages TO warning;\nSET LOCAL {} TO '{scope}';\n",
            roles::SCOPE
        );
        // What reads the rest as data of a COPY ends well, too.
        let committed = self.key.marks(COMMITTED);
        let then = format!("\\set VERBOSITY :verbosity\n{then}\\echo {committed}\n");
        Ok(self.read_into(self.maintenance, (&before, &then))?.required_output(committed).stderr_warns())
    }

    fn script(&self, script: &str) -> Step {
        self.postgres.account.script(self.maintenance, script)
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
