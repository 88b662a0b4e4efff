//! A restore's hold on the databases that it creates: names that identify their run, and a lock of a session that lives as
//! long as the restore, so that databases of a dead restore can be distinguished from those of a live one.

use bahub_core::replay::{Effect, RestoreTarget, Scratch};
use bahub_core::step::Step;

use super::account::{self, UNLIMITED};
use super::scope::Scope;
use super::{PostgresDump, sql};

/// The class of the advisory lock that a restore holds while it runs ("bahu").
const LIVES: i32 = 0x6261_6875;
/// The class of the lock that it holds while it takes over names: clients of these databases are disconnected meanwhile.
const SWAPS: i32 = 0x6261_6876;

/// The server's own session limit for one: as psql's `\watch` takes it.
const EVERY_SECONDS: &str = "0.1";

/// The database to be connected to while others are renamed.
pub(super) fn maintenance<'a>(names: impl IntoIterator<Item = &'a str>) -> &'static str {
    if names.into_iter().any(|name| name == "postgres") { "template1" } else { "postgres" }
}

/// The databases of a run.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    /// 32 hexadecimal digits.
    run: String,
}

impl Lease {
    pub(super) fn of(run: &str) -> Self {
        let digits = run.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_lowercase();
        Self { run: format!("{digits:0>32.32}") }
    }

    /// The name of a database that is being filled.
    pub(super) fn new_name(&self, index: usize) -> String {
        format!("__bahub_new_{}_{index}", self.run)
    }

    /// The new name of a replaced database.
    pub(super) fn old_name(&self, index: usize) -> String {
        format!("__bahub_old_{}_{index}", self.run)
    }

    /// The name of a database that is only for inspection.
    fn scratch_name(&self) -> String {
        format!("__bahub_try_{}_0", self.run)
    }

    /// The readable name under which an old database is kept.
    pub(super) fn kept_name(&self, name: &str) -> String {
        let suffix = format!("__old_{}", &self.run[..8]);
        let most = 63 - suffix.len();
        let end = (0..=most.min(name.len())).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        format!("{}{suffix}", &name[..end])
    }

    /// The second half of the locks' keys: 28 bits of the run's id, as in the databases' names.
    fn key(&self) -> u32 {
        u32::from_str_radix(&self.run[..7], 16).unwrap_or_default()
    }

    /// psql, holding the lock, and disconnecting clients of these databases while the names are taken over.
    pub(super) fn held(&self, postgres: &PostgresDump, maintenance: &str, names: &[String]) -> Step {
        let key = self.key();
        let names = sql::texts(names.iter().map(String::as_str));
        let script = format!(
            "SELECT pg_catalog.pg_advisory_lock({LIVES}, {key});\n\
             SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid)) FROM pg_catalog.pg_stat_activity a \
             WHERE a.datname::pg_catalog.text = ANY ({names}) AND a.pid <> pg_catalog.pg_backend_pid() AND {} AND {} \\watch {EVERY_SECONDS}\n",
            is_held(SWAPS, &key.to_string()),
            may_end("a"),
        );
        postgres.account.script(maintenance, &script)
    }

    /// Waits until the lock is held: the first statement of the restore.
    pub(super) fn awaited(&self) -> String {
        sql::block(&format!(
            "BEGIN FOR tick IN 1..80 LOOP IF {} THEN RETURN; END IF; PERFORM pg_catalog.pg_sleep(0.1); END LOOP; \
             RAISE EXCEPTION 'the session that holds the restore''s lock did not start'; END",
            is_held(LIVES, &self.key().to_string())
        ))
    }

    /// Announces, until the session ends, that names are taken over.
    pub(super) fn announced(&self) -> String {
        format!("SELECT pg_catalog.pg_advisory_lock({SWAPS}, {});\n", self.key())
    }
}

impl Lease {
    /// A script that answers whether the names were taken over from these databases, which is why there are others of these names.
    /// The lock is free when the session that does it has ended: from then on the answer stays what it is.
    pub(super) fn taken_over(&self, news: &[String], others: &[String]) -> String {
        let (yes, no, key) = (sql::text(Effect::YES), sql::text(Effect::NO), self.key());
        let names = sql::texts(news.iter().map(String::as_str));
        let others = sql::texts(others.iter().map(String::as_str));
        format!(
            "SET lock_timeout TO '50s';\nSELECT pg_catalog.pg_advisory_lock({SWAPS}, {key}) \\g /dev/null\n\
             SELECT CASE WHEN news = 0 AND others = pg_catalog.cardinality({others}) THEN {yes} WHEN news = {} THEN {no} ELSE 'some' END \
             FROM (SELECT pg_catalog.count(*) FILTER (WHERE d.datname::pg_catalog.text = ANY ({names})) AS news, \
               pg_catalog.count(*) FILTER (WHERE d.datname::pg_catalog.text = ANY ({others})) AS others FROM pg_catalog.pg_database d) AS there;\n",
            news.len()
        )
    }
}

impl Lease {
    /// The name of a schema that is in a database which was restored in place, and in none that was not.
    pub(super) fn mark(&self) -> String {
        format!("__bahub_restored_{}", self.run)
    }

    /// A script that answers whether these databases were all restored in place, by this word, or none of them.
    pub(super) fn committed_in(&self, names: &[String], all: &str) -> String {
        let (yes, no, mark, key) = (sql::text(all), sql::text(Effect::NO), sql::text(&self.mark()), self.key());
        let each = |name: &String| {
            format!(
                "{}SET lock_timeout TO '50s';\n\
                 SELECT pg_catalog.pg_advisory_lock({SWAPS}, {key}) \\g /dev/null\n\
                 SELECT :marked + pg_catalog.count(*) AS marked FROM pg_catalog.pg_namespace n WHERE n.nspname = {mark} \\gset\n",
                connect(name),
            )
        };
        format!(
            "\\set marked 0\n{}SELECT CASE :marked WHEN 0 THEN {no} WHEN {} THEN {yes} ELSE 'some' END;\n",
            names.iter().map(each).collect::<String>(),
            names.len()
        )
    }
}

/// A psql script that drops the marks of restores in place, of this name or pattern, that the user may drop. Event triggers of the database
/// are for its own changes.
pub(super) fn unmarked(mark: &str) -> String {
    format!(
        "SET client_min_messages TO error;\n\
         SELECT pg_catalog.set_config('session_replication_role', 'replica', false) FROM pg_catalog.pg_roles \
           WHERE rolname = current_user AND rolsuper \\g /dev/null\n\
         SELECT pg_catalog.format('DROP SCHEMA IF EXISTS %I', n.nspname) FROM pg_catalog.pg_namespace n \
           WHERE n.nspname ~ '^{mark}$' AND pg_catalog.pg_has_role(current_user, n.nspowner, 'MEMBER') AND NOT {} \\gexec\n",
        is_held(SWAPS, "(('x' || pg_catalog.substr(n.nspname, 18, 7))::pg_catalog.bit(28)::pg_catalog.int4)")
    )
}

/// The same in these databases, where they are there, of restores that were killed.
fn unmarked_in(names: &[String]) -> String {
    let each = |name: &String| {
        format!(
            "SELECT pg_catalog.count(*) > 0 AS is_there FROM pg_catalog.pg_database d WHERE d.datname::pg_catalog.text = {} AND d.datallowconn \\gset\n\
             \\if :is_there\n{}\\endif\n",
            sql::text(name),
            connect(name) + &unmarked("__bahub_restored_[0-9a-f]{32}")
        )
    };
    names.iter().map(each).collect()
}

/// psql's command to go on in this database, with a session that has its limits.
pub(super) fn reconnect(database: &str) -> String {
    let connection = sql::set("connection", &sql::ident(&format!("dbname={}", account::quoted(database))));
    format!("{connection}\\connect -reuse-previous=on :connection\n")
}

fn connect(name: &str) -> String {
    reconnect(name) + UNLIMITED
}

/// Whether any session holds the lock of this class and key, whichever database it is in.
fn is_held(class: i32, key: &str) -> String {
    format!(
        "EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.classid::pg_catalog.int8 = {class} \
         AND l.objid::pg_catalog.int8 = {key} AND l.objsubid = 2 AND l.granted)"
    )
}

/// Whether the user may end a session.
fn may_end(activity: &str) -> String {
    format!(
        "((SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) OR \
          (SELECT NOT r.rolsuper AND (pg_catalog.pg_has_role(current_user, r.oid, 'USAGE') \
            OR pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'USAGE')) FROM pg_catalog.pg_roles r WHERE r.oid = {activity}.usesysid))"
    )
}

/// Drops databases of restores that no longer run, if the user may, and reports which.
pub(super) fn cleanup_stale(postgres: &PostgresDump) -> Step {
    let left = format!(
        "FROM pg_catalog.pg_database d WHERE d.datname ~ '{OURS}' \
         AND (d.datname !~ '^__bahub_try' OR NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid)) \
         AND pg_catalog.pg_has_role(current_user, d.datdba, 'MEMBER') AND NOT {}",
        is_held(LIVES, "(('x' || pg_catalog.substr(d.datname, 13, 7))::pg_catalog.bit(28)::pg_catalog.int4)")
    );
    // One that cannot be dropped, for example because of a subscription, stops neither the others nor the run.
    let script = format!(
        "SELECT coalesce(pg_catalog.string_agg(d.datname, ' '), '') AS left_over {left} \\gset\n\\set ON_ERROR_STOP off\n{}\\set ON_ERROR_STOP on\n\
         SELECT coalesce('database ' || pg_catalog.string_agg(name, ', database ' ORDER BY name), '') \
         FROM pg_catalog.unnest(pg_catalog.string_to_array(:'left_over', ' ')) AS swept(name) \
         WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.datname = name);\n",
        drops(&left)
    );
    let marked = match &postgres.scope {
        Scope::One(name) => unmarked_in(std::slice::from_ref(name)),
        Scope::Some(names) => unmarked_in(names),
        // A restore in place of all drops the marks of earlier ones.
        Scope::All { .. } => String::new(),
    };
    postgres.account.script(maintenance([]), &(script + &marked))
}

/// The names of databases that restores create for themselves. One for inspection is held by sessions in it, not by a lock.
pub(super) const OURS: &str = "^__bahub_(new|old|try)_[0-9a-f]{32}_[0-9]+$";

/// A database for inspection.
pub(super) fn scratch(postgres: &PostgresDump, run: &str) -> Scratch {
    let name = Lease::of(run).scratch_name();
    let removal = postgres.account.script(maintenance([]), &dropped(std::slice::from_ref(&name)));
    Scratch { location: RestoreTarget::Database(name), removal }
}

/// Ends sessions that a dead program left in a database (PostgreSQL 13 and later).
const FORCE: &str =
    "CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 130000 THEN ' WITH (FORCE)' ELSE '' END";

/// A psql script that drops these databases if they exist.
pub(super) fn dropped(names: &[String]) -> String {
    let names = sql::texts(names.iter().map(String::as_str));
    drops(&format!("FROM pg_catalog.pg_database d WHERE d.datname::pg_catalog.text = ANY ({names})"))
}

/// How many databases of dead runs with subscriptions are rid of them at once; the next run goes on.
const SUBSCRIBED: usize = 4;

/// Removes subscriptions from databases of `d`, which could not be dropped with them, and would go on feeding them. Their slots are left
/// alone: the subscriptions of a restored database, which are disabled, have the same.
fn unsubscribed(from: &str) -> String {
    let one = format!(
        "SELECT coalesce(max('dbname=''' || pg_catalog.replace(pg_catalog.replace(d.datname, E'\\\\', E'\\\\\\\\'), '''', E'\\\\''') || ''''), '') AS subscribed, \
           count(*) > 0 AS has_subscriptions {from} AND d.datname ~ '{OURS}' AND d.datname = (SELECT min(s.datname) FROM (SELECT d.datname {from} \
             AND d.datname ~ '{OURS}' AND EXISTS (SELECT FROM pg_catalog.pg_subscription s WHERE s.subdbid = d.oid)) AS s) \\gset\n\
         \\if :has_subscriptions\n\\connect -reuse-previous=on :\"subscribed\"\n{UNLIMITED}\
         SELECT pg_catalog.format(action, s.subname) FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid, \
           (VALUES (1, 'ALTER SUBSCRIPTION %I DISABLE'), (2, 'ALTER SUBSCRIPTION %I SET (slot_name = NONE)'), (3, 'DROP SUBSCRIPTION %I')) AS steps(at, action) \
           WHERE d.datname = pg_catalog.current_database() ORDER BY s.subname, at \\gexec\n\
         \\connect -reuse-previous=on dbname=template1\n{UNLIMITED}\\endif\n"
    );
    one.repeat(SUBSCRIBED)
}

/// A psql script that warns of logical replication slots of these databases, and of their subscriptions, which are dropped with them.
pub(super) fn replication_named(names: &[String]) -> String {
    let names = sql::texts(names.iter().map(String::as_str));
    let block = sql::block(&format!(
        "DECLARE names pg_catalog.text; BEGIN SELECT pg_catalog.string_agg(slot_name, ', ') INTO names FROM pg_catalog.pg_replication_slots \
           WHERE database::pg_catalog.text = ANY ({names}); \
         IF names IS NOT NULL THEN RAISE WARNING 'replication slots of the old database are dropped with it; create them again: %', names; END IF; \
         SELECT pg_catalog.string_agg(s.subname, ', ') INTO names FROM pg_catalog.pg_subscription s \
           JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname::pg_catalog.text = ANY ({names}); \
         IF names IS NOT NULL THEN RAISE WARNING 'subscriptions of the old database are dropped; their slots stay on the publisher, where the \
           restored ones use them: drop there what is no longer needed: %', names; END IF; END"
    ));
    format!("\\set verbosity :VERBOSITY\n\\set VERBOSITY terse\n{block}\\set VERBOSITY :verbosity\n")
}

/// The same for rows of `d`; a template has to be none before.
fn drops(from: &str) -> String {
    unsubscribed(from)
        + &format!(
            "SELECT pg_catalog.format('ALTER DATABASE %I IS_TEMPLATE false', d.datname) {from} AND d.datistemplate \\gexec\n\
         SELECT pg_catalog.format('DROP DATABASE IF EXISTS %I', d.datname) || {FORCE} {from} \\gexec\n"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_whatever_they_are_made_of() {
        let lease = Lease::of("0123456789abcdef0123456789abcdef");
        assert!(lease.new_name(12_345).len() <= 63);
        for name in ["shop", &"é".repeat(31), &"x".repeat(63), &"🙂".repeat(15)] {
            let kept = lease.kept_name(name);
            assert!(kept.len() <= 63 && kept.ends_with("__old_01234567"), "{kept}");
        }
        assert_eq!(lease.key(), 0x0123456);
        assert_eq!(Lease::of("").run.len(), 32);
    }
}
