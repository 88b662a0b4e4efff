//! Releases of the server, and of the client programs: a backup either goes round or is refused before it begins.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use bahub_core::adapter::Adapter;
use bahub_core::engine::{RestoreMode, RestoreOptions, RunErrorKind, RunOutcome, VerifyOptions};
use bahub_core::plan::Plan;
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_core::sink::Sink;
use bahub_testkit::fakes::WithPrograms;
use bahub_testkit::fixtures::{Postgres, Release};
use serde_json::{Value, json};

use super::support::{Room, adapter, done, failure_text, in_place, left, same, spec};

const RELEASES: [Release; 3] = [Release::System, Release::Postgres17, Release::Postgres18];

fn major(release: Release) -> u32 {
    match release {
        Release::Postgres17 => 17,
        Release::Postgres18 => 18,
        _ => 15,
    }
}

/// 16 MiB, and in a dump twice as much.
const LARGE_ROW: &str = "CREATE TABLE wide AS SELECT decode(repeat('00ff5c27220a0d1a', 2097152), 'hex') AS v";

/// Objects of one release only.
fn more(release: Release) -> &'static str {
    match release {
        Release::Postgres17 => {
            "CREATE EXTENSION vector; CREATE TABLE vectors (v vector(3)); INSERT INTO vectors VALUES ('[1,2,3]'); CREATE INDEX ON vectors USING hnsw (v vector_l2_ops); \
             CREATE EXTENSION postgis; CREATE TABLE shapes (g geometry(Point, 4326), b geometry GENERATED ALWAYS AS (ST_Buffer(g, 1)) STORED); INSERT INTO shapes VALUES ('SRID=4326;POINT(1 2)'); CREATE INDEX ON shapes USING gist (g); \
             CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA partman; CREATE TABLE visits (at timestamptz NOT NULL, v int) PARTITION BY RANGE (at); \
             SELECT partman.create_parent('public.visits', 'at', '1 year', p_start_partition := '2020-01-01'); INSERT INTO visits VALUES ('2021-03-04', 7)"
        }
        Release::Postgres18 => {
            "CREATE TABLE virtual (a int, b int GENERATED ALWAYS AS (a * 2) VIRTUAL); INSERT INTO virtual VALUES (4); CREATE EXTENSION btree_gist; \
             CREATE TABLE periods (id int, valid daterange, PRIMARY KEY (id, valid WITHOUT OVERLAPS)); INSERT INTO periods VALUES (1, '[2020-01-01,2021-01-01)'); \
             CREATE TABLE within (id int, valid daterange, FOREIGN KEY (id, PERIOD valid) REFERENCES periods (id, PERIOD valid)); INSERT INTO within VALUES (1, '[2020-02-01,2020-03-01)'); \
             ALTER TABLE virtual ADD CONSTRAINT positive CHECK (a > 0) NOT ENFORCED"
        }
        // From 17 on the server itself gives them no search path.
        _ => {
            "CREATE INDEX ON people (plain_name(name)); CREATE MATERIALIZED VIEW named_ones AS SELECT max(plain_name(name)) FROM people"
        }
    }
}

const SUBSCRIBED: &str = "CREATE SUBSCRIPTION sub CONNECTION 'host=192.0.2.1 dbname=x' PUBLICATION p WITH (connect = false, slot_name = 'of_the_original')";

/// Whether there was a subscription, which is gone then.
fn unsubscribe(server: &Postgres, database: &str) -> bool {
    let there = server.sql(database, "SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid WHERE datname = current_database()");
    if !there.is_empty() {
        server.sql(database, "ALTER SUBSCRIPTION sub SET (slot_name = NONE); DROP SUBSCRIPTION sub");
    }
    !there.is_empty()
}

/// Roles, and databases of every kind that the release knows.
fn filled(release: Release) -> Postgres {
    let server = Postgres::of(release, &["-c", "max_locks_per_transaction=512"]);
    server.sql("postgres", "CREATE ROLE owner LOGIN PASSWORD 'o'; CREATE ROLE readers; GRANT readers TO owner; CREATE DATABASE nasty; \
        ALTER DATABASE nasty SET work_mem TO '5MB'; CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'; \
        CREATE DATABASE raw ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'; \
        CREATE DATABASE icu TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-AT' LC_COLLATE 'C' LC_CTYPE 'C'");
    server.sql("nasty", include_str!("nasty.sql"));
    server.sql("nasty", more(release));
    server.sql("nasty", "GRANT SELECT ON people TO readers; CREATE SCHEMA of_owner AUTHORIZATION owner");
    server.sql("latin", "CREATE TABLE t AS SELECT 'é'::text AS v");
    server.sql(
        "raw",
        "SET client_encoding TO 'SQL_ASCII'; CREATE TABLE t (v text); INSERT INTO t VALUES (E'\\xff\\x01')",
    );
    if major(release) >= 17 {
        server.sql("postgres", "CREATE DATABASE builtin TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C'");
    }
    if major(release) >= 18 {
        server.sql("postgres", "CREATE DATABASE fast TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST' LC_COLLATE 'C' LC_CTYPE 'C'");
    }
    server
}

fn plan(room: &Room, spec: Value, client: Release) -> Plan {
    let adapter: Arc<dyn Adapter> = match client.folder() {
        Some(folder) => Arc::new(WithPrograms::new(adapter(spec), folder)),
        None => Arc::new(adapter(spec)),
    };
    room.engine.plan(adapter, Arc::new(room.sink.clone()))
}

async fn restored(room: &Room, plan: &Plan, target: ReplayTarget) -> RunOutcome {
    room.engine.restore(plan, &RestoreOptions::default().to(target)).await
}

async fn verified(room: &Room, plan: &Plan) {
    done(&room.engine.engine().verify(plan, &VerifyOptions::default()).await);
    let drill = RestoreOptions::default().mode(RestoreMode::DrillOnly);
    let ended = room.engine.restore(plan, &drill).await;
    done(&ended);
    assert!(ended.report.drill.as_ref().is_some_and(|drill| drill.compared), "{:?}", ended.report);
}

/// One database, by every way.
async fn one(server: &Postgres, client: Release, format: &str) {
    let room = Room::new();
    let plan = plan(&room, spec(server, json!({ "database": "nasty", "format": format })), client);
    let before = server.dump("nasty");
    done(&room.engine.backup(&plan).await);
    verified(&room, &plan).await;
    assert_eq!(left(server), "");
    same(&server.dump("nasty"), &before);
    let into = RestoreTarget::Database("nasty_2".into());
    done(&restored(&room, &plan, ReplayTarget::at(into)).await);
    same(&server.dump("nasty_2").replace("nasty_2", "nasty"), &before);
    same(&server.dump("nasty"), &before);
    unsubscribe(server, "nasty_2");
    server.sql("postgres", "DROP DATABASE nasty_2");
    server.sql("nasty", "CREATE TABLE later ()");
    let scratch_first = RestoreOptions::default().mode(RestoreMode::ScratchFirst);
    done(&room.engine.restore(&plan, &scratch_first).await);
    same(&server.dump("nasty"), &before);
    assert_eq!(left(server), "");
    // In one transaction there can be no large objects.
    let was_subscribed = unsubscribe(server, "nasty");
    server.sql("nasty", "SELECT lo_unlink(4711)");
    let small = server.dump("nasty");
    done(&room.engine.backup(&plan).await);
    server.sql("nasty", "CREATE TABLE later ()");
    done(&restored(&room, &plan, in_place()).await);
    same(&lines(&server.dump("nasty")), &lines(&small));
    // As it was, for the next.
    server.sql("postgres", "DROP DATABASE nasty WITH (FORCE)");
    done(&restored(&room, &plan, ReplayTarget::default()).await);
    same(&server.dump("nasty"), &small);
    server.sql("nasty", "SELECT lo_from_bytea(4711, '\\x00ff10'); COMMENT ON LARGE OBJECT 4711 IS 'large'");
    if was_subscribed {
        server.sql("nasty", SUBSCRIBED);
    }
}

/// Without empty lines, of which pg_dump writes more or fewer.
fn lines(dump: &str) -> String {
    dump.lines().filter(|line| !line.is_empty() && *line != "--").collect::<Vec<_>>().join("\n")
}

fn everything(server: &Postgres) -> String {
    let names = server
        .sql("postgres", "SELECT datname FROM pg_database WHERE datallowconn AND datname <> 'template1' ORDER BY 1");
    // The bytes of a database without an encoding are not text for the fixture's pg_dump.
    let of = |name: &str| if name == "raw" { server.sql(name, "SELECT md5(v) FROM t") } else { server.dump(name) };
    let all = names.lines().map(of).collect::<String>();
    let roles = server.globals();
    let roles = roles.lines().filter(|line| !line.contains("ROLE postgres ")).collect::<Vec<_>>().join("\n");
    roles + &all
}

/// All databases, onto a fresh server of the same release.
async fn all(server: &Postgres, client: Release) {
    let fresh = Postgres::of(server.release(), &["-c", "max_locks_per_transaction=512"]);
    let room = Room::new();
    done(&room.engine.backup(&plan(&room, spec(server, json!({})), client)).await);
    let there = plan(&room, spec(&fresh, json!({})), client);
    done(&restored(&room, &there, ReplayTarget::default()).await);
    same(&everything(&fresh), &everything(server));
    assert_eq!(left(&fresh), "");
}

/// What a backup that is refused before the run says.
async fn refusal(server: &Postgres, database: &str, client: Release) -> String {
    let room = Room::new();
    let ended = room.engine.backup(&plan(&room, spec(server, json!({ "database": database })), client)).await;
    let text = failure_text(&ended);
    assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Preflight, "{text}");
    assert_eq!(ended.exit(false) as u8, 8);
    assert!(room.sink.list().await.unwrap().is_empty());
    text
}

/// A client that is older than the server is refused.
async fn refused(server: &Postgres, client: Release) {
    let text = refusal(server, "postgres", client).await;
    let named = [format!("pg_dump {}.", major(client)), format!("PostgreSQL {}.", major(server.release()))];
    assert!(named.iter().all(|word| text.contains(word)), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_clients_back_up_and_restore_older_servers_and_older_ones_are_refused() {
    let here = filled(Release::System);
    if Release::Postgres17.is_there() {
        let subscribed = refusal(&here, "nasty", Release::Postgres17).await;
        assert!(subscribed.contains("PostgreSQL 15.") && subscribed.contains("take back: sub"), "{subscribed}");
        unsubscribe(&here, "nasty");
        one(&here, Release::Postgres17, "custom").await;
        one(&here, Release::Postgres17, "plain").await;
        let newer = Postgres::of(Release::Postgres17, &[]);
        refused(&newer, Release::System).await;
    }
    if Release::Postgres18.is_there() {
        unsubscribe(&here, "nasty");
        all(&here, Release::Postgres18).await;
        // Which settings the server knows is for the server to say.
        let names = here.sql("postgres", "SELECT string_agg(name, ' ') FROM pg_settings");
        assert!(!names.split(' ').any(|name| name == "transaction_timeout"));
        // What a newer pg_dump archived is for a newer pg_restore.
        let room = Room::new();
        let spec = spec(&here, json!({ "database": "icu" }));
        done(&room.engine.backup(&plan(&room, spec.clone(), Release::Postgres18)).await);
        let ended = restored(&room, &plan(&room, spec, Release::System), ReplayTarget::default()).await;
        let text = failure_text(&ended);
        assert!(text.contains("pg_restore 15.") && text.contains("postgresql-client-17"), "{text}");
    }
}

/// What one client does with a server.
async fn cell(live: &Postgres, client: Release) -> [&'static str; 3] {
    let server = live.release();
    if major(client) < major(server) {
        refused(live, client).await;
        return ["refused, exit 8"; 3];
    }
    if major(server) < 16 && major(client) > 15 {
        unsubscribe(live, "nasty");
    }
    one(live, client, "custom").await;
    one(live, client, "plain").await;
    all(live, client).await;
    ["make, verify, drill, into, scratch, restore, in place", "the same", "the same dumps"]
}

/// `cargo test --workspace --all-features --test postgres_dump -- --ignored --nocapture matrix`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "ten minutes: the whole table, for a release"]
async fn matrix() {
    let mut table = String::from(
        "| server | client | custom | plain | all databases, fresh server | seconds |\n|---|---|---|---|---|---|\n",
    );
    for server in &RELEASES {
        let live = server.is_there().then(|| filled(*server));
        if let Some(live) = &live {
            live.sql("nasty", LARGE_ROW);
        }
        for client in &RELEASES {
            let began = Instant::now();
            let row = match &live {
                Some(live) if client.is_there() => cell(live, *client).await,
                _ => ["NOT RUN"; 3],
            };
            let _ = writeln!(
                table,
                "| {} | {} | {} | {} |",
                major(*server),
                major(*client),
                row.join(" | "),
                began.elapsed().as_secs()
            );
            println!("{table}");
        }
    }
}
