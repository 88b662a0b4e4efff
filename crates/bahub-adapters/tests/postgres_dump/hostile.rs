//! Versions that somebody else has made: their SQL runs, their commands for psql do not.

use std::path::Path;
use std::sync::Arc;

use bahub_adapters::postgres_dump::PostgresDump;
use bahub_core::adapter::{Adapter, AdapterCapability, Findings, Probe};
use bahub_core::capture::{Capture, Source};
use bahub_core::engine::{RestoreMode, RestoreOptions, RunOutcome};
use bahub_core::replay::{Replay, ReplayTarget, RestoreTarget, Scratch, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::step::Step;
use bahub_testkit::fakes::WithPrograms;
use bahub_testkit::fixtures::Postgres;
use serde_json::{Value, json};

use super::outcome::psql_that;
use super::support::{Room, adapter, done, failure_text, in_place, left, spec};

/// Makes versions as whoever can write to the store could: with other text in the dump, and in the record.
#[derive(Debug)]
struct Forger {
    honest: PostgresDump,
    /// In the place of every line `SET xmloption = content;`, or of the comments above roles.
    line: String,
    /// Behind the statement that creates the database.
    create: String,
}

impl Adapter for Forger {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        self.honest.capabilities()
    }

    fn preflight(&self, purpose: RunPurpose) -> Vec<Probe> {
        self.honest.preflight(purpose)
    }

    fn capture(&self, found: &Findings) -> Result<Capture, Unsupported> {
        let mut found = found.clone();
        if let Some(line) = found.0.get_mut("databases").filter(|_| !self.create.is_empty()) {
            let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
            let (name, rest) = line.split_once(' ').map(|(_, rest)| rest.split_once(' ').unwrap()).unwrap();
            let create = rest.split(' ').next().unwrap();
            *line = format!("2 {name} {create}{}", hex(&self.create));
        }
        let mut capture = self.honest.capture(&found)?;
        for segment in &mut capture.segments {
            if let Source::Pipeline(steps) = &mut segment.source
                && !self.line.is_empty()
            {
                // sed's own escapes.
                let line = self.line.replace('\\', "\\\\").replace('|', "\\|");
                steps.push(Step::new("sed").arg("-e").arg(format!(
                    "s|^SET xmloption = content;$|{line}|; s/^-- Roles.*, by bahub.*$/-- Roles/; s|^-- Roles$|{line}|"
                )));
            }
        }
        Ok(capture)
    }

    fn replay(&self, target: &ReplayTarget, found: &Findings, stored: &Stored) -> Result<Replay, Unsupported> {
        self.honest.replay(target, found, stored)
    }

    fn scratch(&self, run: &str) -> Result<Scratch, Unsupported> {
        self.honest.scratch(run)
    }
}

async fn forged(room: &Room, spec: &Value, line: &str, create: &str) {
    let forger = Forger { honest: adapter(spec.clone()), line: line.into(), create: create.into() };
    let plan = room.engine.plan(Arc::new(forger), Arc::new(room.sink.clone()));
    done(&room.engine.backup(&plan).await);
}

/// Every way to restore it.
async fn each_way(room: &Room, spec: &Value, member: Option<&str>) -> Vec<RunOutcome> {
    let members: Vec<_> = member.into_iter().map(Into::into).collect();
    let into = RestoreTarget::Database("hostile into".into());
    let targets = [
        ReplayTarget::default(),
        ReplayTarget { location: into, members: members.clone(), ..ReplayTarget::default() },
        in_place(),
    ];
    let mut ended = Vec::new();
    for target in targets {
        ended.push(room.restore(spec.clone(), target).await);
    }
    let target = ReplayTarget { members, ..ReplayTarget::default() };
    let drill = RestoreOptions::default().to(target).mode(RestoreMode::DrillOnly);
    ended.push(room.engine.restore(&room.plan(spec.clone()), &drill).await);
    ended
}

fn untouched(server: &Postgres, ran: &Path, ended: &RunOutcome, what: &str) {
    assert!(ended.error.is_some(), "{what} was restored");
    assert!(!ran.exists(), "{what} ran a program: {}", failure_text(ended));
    assert_eq!(server.sql("hostile", "SELECT string_agg(v, ' ') FROM t"), "now", "{what}: {}", failure_text(ended));
    assert_eq!(left(server), "", "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_version_runs_a_program_on_the_client_by_any_way() {
    let server = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    server.sql("postgres", "CREATE DATABASE hostile");
    server.sql("hostile", "CREATE TABLE t AS SELECT 'now'::text AS v");
    let touch = format!("touch {}", ran.display());
    let lines = [
        format!("\\! {touch}"),
        format!("\\unrestrict `{touch}`"),
        format!("SELECT 1 \\g | {touch}"),
        format!("\\copy t from program '{touch}'"),
    ];
    let one = spec(&server, json!({ "database": "hostile", "format": "plain" }));
    let several = spec(&server, json!({ "databases": ["hostile"] }));
    let refused = |ended: &RunOutcome, line: &str| {
        untouched(&server, &ran, ended, line);
        let text = failure_text(ended);
        assert!(text.contains("backslash commands are restricted") || text.contains("unrestrict"), "{text}");
    };
    for line in &lines[2..] {
        let room = Room::new();
        forged(&room, &one, line, "").await;
        refused(&room.restored(one.clone()).await, line);
    }
    for (spec, member, lines) in [(&one, None, &lines[..2]), (&several, Some("hostile"), &lines[1..2])] {
        for line in lines {
            let room = Room::new();
            forged(&room, spec, line, "").await;
            each_way(&room, spec, member).await.iter().for_each(|ended| refused(ended, line));
        }
        // What a record says is executed by the server alone.
        let room = Room::new();
        forged(&room, spec, "", &format!(";\n\\! {touch}\n")).await;
        let ended = room.restored(spec.clone()).await;
        untouched(&server, &ran, &ended, "a record");
    }
    // Roles.
    let all = spec(&server, json!({}));
    let room = Room::new();
    forged(&room, &all, &lines[0], "").await;
    untouched(&server, &ran, &room.restored(all.clone()).await, "roles");
    // What would take our own statements for its data.
    let room = Room::new();
    forged(&room, &all, "CREATE TEMPORARY TABLE takes (v text); COPY takes FROM stdin;", "").await;
    untouched(&server, &ran, &room.restored(all).await, "a COPY without an end");
    // And of dumps that the original stored.
    let room = Room::new();
    let dump = server.command("pg_dump").env("PGDATABASE", "hostile").output().unwrap().stdout;
    let dump = String::from_utf8(dump).unwrap().replace("SET xmloption = content;", &lines[0]);
    room.sink.put(room.engine.by_the_original(dump.as_bytes()));
    untouched(&server, &ran, &room.restored(one.clone()).await, "the original's");
    // psql drops what stands between a NUL byte and the end of its line; of these encodings a backslash can be half a character.
    let nul = format!("\\\0x\nunrestrict `{touch}`");
    let encoded = [b"SET client_encoding TO 'SJIS';\n\x83\\\\unrestrict `".as_slice(), touch.as_bytes(), b"`"].concat();
    let dump = server.command("pg_dump").env("PGDATABASE", "hostile").output().unwrap().stdout;
    let end = dump.windows(10).position(|words| words == b"SET xmlopt").unwrap();
    for line in [nul.as_bytes(), &encoded] {
        let room = Room::new();
        room.sink.put(room.engine.by_the_original(&[&dump[..end], line, b"\n", &dump[end..]].concat()));
        untouched(&server, &ran, &room.restored(one.clone()).await, &String::from_utf8_lossy(line));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_looks_like_a_command_in_the_data_comes_back() {
    let server = Postgres::start();
    server.sql("postgres", "CREATE DATABASE quotes");
    server.sql(
        "quotes",
        "CREATE TABLE t (v text); INSERT INTO t VALUES (E'\\restrict abc'), (E'\\\\! id'), (E'\\\\unrestrict abc'), (E'a\\n\\\\.\\nb'), (E'\\\\.'); \
         CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT '\n\\restrict abc\n\\! id\nSET x = 0;\n' $$; \
         COMMENT ON TABLE t IS E'\\n\\\\! id\\n\\\\echo\\nSET x = 0;'",
    );
    let before = server.dump("quotes");
    for more in [
        json!({ "database": "quotes", "format": "plain" }),
        json!({ "database": "quotes", "format": "plain", "extra_args": ["--inserts"] }),
        json!({ "databases": ["quotes"] }),
    ] {
        let (room, spec) = (Room::new(), spec(&server, more));
        // An INSERT of that text is refused: outside of COPY it cannot be told from a command that ends psql's restriction.
        if spec["extra_args"].is_array() {
            server.sql("quotes", "DELETE FROM t WHERE v ~ 'unrestrict'");
        }
        let now = server.dump("quotes");
        let made = room.backup(spec.clone()).await;
        done(&made);
        assert!(made.report.warnings.is_empty(), "{:?}", made.report.warnings);
        for target in [ReplayTarget::default(), in_place()] {
            done(&room.restore(spec.clone(), target).await);
            assert_eq!(server.dump("quotes"), now);
        }
        server.sql("quotes", "TRUNCATE t");
        server.sql("quotes", "INSERT INTO t VALUES (E'\\restrict abc'), (E'\\\\! id'), (E'\\\\unrestrict abc'), (E'a\\n\\\\.\\nb'), (E'\\\\.')");
    }
    assert_eq!(server.dump("quotes"), before);
    // Where that word would make a restore fail, the backup says so.
    server.sql("quotes", "CREATE FUNCTION way_out() RETURNS text LANGUAGE sql AS $$ SELECT E'\\\\unrestrict' || '\\unrestrict' $$; COMMENT ON FUNCTION way_out IS E'\\\\unrestrict'");
    for more in [json!({ "database": "quotes" }), json!({ "databases": ["quotes"] })] {
        let warnings = Room::new().backup(spec(&server, more)).await.report.warnings.join("\n");
        assert!(
            warnings.contains("function way_out(), comment on function way_out()")
                || warnings.contains("comment on function way_out(), function way_out()"),
            "{warnings}"
        );
        assert!(warnings.contains("they contain \\unrestrict"), "{warnings}");
    }
    server.sql("quotes", "DROP FUNCTION way_out");
    // A dump of a release whose pg_dump restricts nothing yet.
    let text: String = before.split("\\connect quotes").nth(1).unwrap().to_owned();
    let room = Room::new();
    room.sink.put(room.engine.by_the_original(format!("--\n-- PostgreSQL database dump\n--\n{text}").as_bytes()));
    server.sql("quotes", "DELETE FROM t");
    done(&room.restored(spec(&server, json!({ "database": "quotes", "gzip_args": "-1" }))).await);
    assert_eq!(server.dump("quotes"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_psql_that_cannot_restrict_scripts_restores_archives_only_and_a_backup_says_so() {
    let server = Postgres::start();
    server.sql("postgres", "CREATE DATABASE old_client");
    server.sql("old_client", "CREATE TABLE t AS SELECT 1 AS v");
    let old = psql_that("");
    let program = old.path().join("psql");
    let text = std::fs::read_to_string(&program)
        .unwrap()
        .replace("exec psql --version", "echo 'psql (PostgreSQL) 15.13'; exit");
    std::fs::write(&program, text).unwrap();
    for format in ["custom", "plain"] {
        let (room, spec) = (Room::new(), spec(&server, json!({ "database": "old_client", "format": format })));
        let plan = room
            .engine
            .plan(Arc::new(WithPrograms::new(adapter(spec.clone()), old.path())), Arc::new(room.sink.clone()));
        let made = room.engine.backup(&plan).await;
        done(&made);
        let warnings = made.report.warnings.join("\n");
        assert_eq!(warnings.contains("psql 15.13 there cannot restrict"), format == "plain", "{warnings}");
        for target in [ReplayTarget::default(), in_place()] {
            let is_direct = format == "custom" && !target.in_place;
            let ended = room.engine.restore(&plan, &RestoreOptions::default().to(target)).await;
            if is_direct {
                done(&ended);
            } else {
                let text = failure_text(&ended);
                assert!(text.contains("psql 15.13") && text.contains("install a newer psql"), "{text}");
            }
        }
        assert_eq!(server.sql("old_client", "TABLE t"), "1");
    }
}
