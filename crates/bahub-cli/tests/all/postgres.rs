//! A restore of PostgreSQL that is broken at many moments: the database is wholly the old one or wholly the new one, and
//! nothing is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bahub_testkit::fixtures::Postgres;
use rustix::process::{Pid, Signal, kill_process};

use super::support::Scene;

/// Enough that a restore takes about two seconds.
const ROWS: u32 = 150_000;

/// What happens to a restore.
#[derive(Debug, Clone, Copy)]
enum Break {
    /// SIGKILL of bahub.
    Killed,
    /// Ctrl-C.
    Interrupted,
    /// SIGKILL of these children of bahub.
    Child(&'static str),
    /// The server is killed, and started again.
    Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Old,
    New,
}

struct App {
    server: Postgres,
    scene: Scene,
}

impl App {
    fn new(format: &str) -> Self {
        let server = Postgres::start();
        server.sql("postgres", "CREATE DATABASE app CONNECTION LIMIT 50");
        server.sql("app", &format!("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, {ROWS}) n; CREATE INDEX ON t (v); CREATE INDEX ON t (md5(v));"));
        let spec = format!(
            "host: 127.0.0.1, port: {}, user: postgres, password: '{}', database: app, format: {format}",
            server.port(),
            Postgres::PASSWORD.replace('\'', "''")
        );
        let scene = Scene::new().with_adapter("bahub.adapters.postgres_dump", &spec);
        scene.make();
        let app = Self { server, scene };
        app.make_old();
        app
    }

    /// What came after the backup.
    fn make_old(&self) {
        self.server.sql("app", "CREATE TABLE IF NOT EXISTS later (); DELETE FROM t WHERE id % 3 = 0;");
        self.server.sql("postgres", "COMMENT ON DATABASE app IS 'old'");
    }

    /// Wholly one or the other.
    #[track_caller]
    fn state(&self, after: &str) -> State {
        let answer = self.server.sql(
            "app",
            "SELECT count(*) || ' ' || (to_regclass('later') IS NOT NULL) || ' ' || \
             (SELECT count(*) FROM pg_indexes WHERE tablename = 't') || ' ' || coalesce(shobj_description(oid, 'pg_database'), '') \
             FROM t, pg_database WHERE datname = 'app' GROUP BY oid",
        );
        let parts: Vec<_> = answer.split(' ').collect();
        match parts.as_slice() {
            ["100000", "true", "3", "old"] => State::Old,
            // A restore in place leaves the database's own properties as they are.
            ["150000", "false", "3", ..] => State::New,
            other => panic!("after {after}: {other:?}"),
        }
    }

    fn left(&self) -> String {
        self.server.sql("postgres", "SELECT datname FROM pg_database WHERE datname ~ '^__bahub'")
    }

    /// Breaks a restore, asserts what must hold, and returns the outcome.
    fn broken(&mut self, args: &[&str], how: Break, delay: u64) -> State {
        let after = format!("{args:?} {how:?} {delay} ms");
        let mut running = self.scene.start(&[&[":backup:restore", "tree", "--yes"], args].concat());
        running.until_phase("replaying");
        thread::sleep(Duration::from_millis(delay));
        match how {
            Break::Killed => running.signal(Signal::KILL),
            Break::Interrupted => running.signal(Signal::INT),
            Break::Child(name) => children(running.pid(), name).into_iter().for_each(|child| {
                // It may have ended by itself.
                let _ = kill_process(child, Signal::KILL);
            }),
            Break::Server => {
                self.server.kill();
                self.server.restart();
            }
        }
        let run = running.finish();
        let state = self.state(&after);
        match run.status.code() {
            Some(0) => assert_eq!(state, State::New, "{after}: {run:?}"),
            Some(9 | 130) | None => {}
            // A server that is gone cannot be asked.
            Some(70) if matches!(how, Break::Server) && args == ["--in-place"] => {}
            code => panic!("{after}: {code:?} {run:?}"),
        }
        let recovered = self.scene.json(&[":recover"]);
        recovered.assert_code(0);
        assert_eq!(self.left(), "", "{after}: {run:?} {recovered:?}");
        assert_eq!(self.state(&after), state);
        if state == State::New {
            self.make_old();
        }
        state
    }
}

/// The children of a process that have this name.
fn children(parent: Pid, name: &str) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_child = |pid: &i32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let field =
            |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim).map(str::to_owned);
        field("Name:").as_deref() == Some(name) && field("PPid:") == Some(parent.as_raw_nonzero().to_string())
    };
    pids.filter(is_child).filter_map(Pid::from_raw).collect()
}

/// Clients that connect again and again, and never see anything but one of two states.
fn hammering(port: u16, work: impl FnOnce()) {
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..3)
        .map(|_| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                let mut seen = 0;
                while !over.load(Ordering::Relaxed) {
                    let output = std::process::Command::new("psql")
                        .args([
                            "-XAt",
                            "-c",
                            "SELECT count(*) FROM t; SELECT count(*) FROM t",
                            "-h",
                            "127.0.0.1",
                            "-U",
                            "postgres",
                            "-d",
                            "app",
                        ])
                        .args(["-p", &port.to_string()])
                        .env("PGPASSWORD", Postgres::PASSWORD)
                        .output()
                        .unwrap();
                    if output.status.success() {
                        let counts = String::from_utf8(output.stdout).unwrap();
                        assert!(counts.lines().all(|count| ["100000", "150000"].contains(&count)), "{counts}");
                        seen += 1;
                    }
                }
                seen
            })
        })
        .collect();
    work();
    over.store(true, Ordering::Relaxed);
    let seen: u32 = clients.into_iter().map(|client| client.join().unwrap()).sum();
    assert!(seen > 20, "{seen}");
}

#[test]
fn a_restore_that_is_broken_at_any_moment_leaves_the_old_database_or_the_new_one() {
    let mut app = App::new("custom");
    let mut states = Vec::new();
    hammering(app.server.port(), || {
        for (how, delay) in [
            (Break::Killed, 0),
            (Break::Killed, 120),
            (Break::Killed, 500),
            (Break::Killed, 900),
            (Break::Killed, 1200),
            (Break::Interrupted, 60),
            (Break::Interrupted, 400),
            (Break::Interrupted, 1000),
            (Break::Child("pg_restore"), 150),
            (Break::Child("pg_restore"), 600),
            (Break::Child("psql"), 100),
            (Break::Child("psql"), 1000),
        ] {
            states.push(app.broken(&[], how, delay));
        }
        for (how, delay) in [(Break::Server, 100), (Break::Server, 700)] {
            states.push(app.broken(&[], how, delay));
        }
    });
    for (how, delay) in [
        (Break::Killed, 30),
        (Break::Killed, 400),
        (Break::Interrupted, 300),
        (Break::Child("pg_restore"), 200),
        (Break::Child("psql"), 200),
        (Break::Child("psql"), 600),
        (Break::Server, 300),
    ] {
        states.push(app.broken(&["--in-place"], how, delay));
    }
    assert!(states.contains(&State::Old), "{states:?}");
    // And unbroken, under load.
    hammering(app.server.port(), || {
        let run = app.scene.json(&[":backup:restore", "tree", "--yes"]);
        run.assert_code(0);
        assert_eq!(app.state("nothing"), State::New);
    });
    let run = app.scene.json(&[":backup:restore", "tree"]);
    run.assert_code(17).assert_error(&["--into NAME", "--scratch"]);
    assert!(!run.error().contains("--to"), "{}", run.error());
    // A drill changes nothing, and says what it counted.
    let run = app.scene.json(&[":backup:verify", "tree", "--drill"]);
    run.assert_code(0);
    let drill = &run.report()["drill"];
    assert_eq!(
        (&drill["things"], &drill["count"], &drill["compared"]),
        (&1.into(), &150_000.into(), &true.into()),
        "{run:?}"
    );
    let run = app.scene.run(&[":backup:restore", "tree", "--scratch", "--yes"]);
    run.assert_code(0);
    assert!(run.stdout.contains("1 table with 150000 rows, matching the backup"), "{run:?}");
    assert_eq!(app.left(), "");
    let limit = app.server.sql("postgres", "SELECT datconnlimit FROM pg_database WHERE datname = 'app'");
    assert_eq!(limit, "50", "fault 6 of the original");
    app.server.kill();
    let run = app.scene.run(&[":recover"]);
    assert!(run.said().contains("tree: not recovered"), "{run:?}");
}

#[test]
fn a_version_that_is_cut_or_wrong_leaves_the_old_database() {
    for format in ["custom", "plain"] {
        let app = App::new(format);
        let message = std::fs::read(app.scene.message(1)).unwrap();
        for args in [&["--stream"][..], &["--stream", "--in-place"], &[]] {
            for cut in [message.len() / 2, message.len() - 3] {
                std::fs::write(app.scene.message(1), &message[..cut]).unwrap();
                let run = app.scene.json(&[&[":backup:restore", "tree", "--yes"], args].concat());
                run.assert_code(12);
                assert_eq!(app.state(&format!("{format} {args:?} {cut}")), State::Old);
                assert_eq!(app.left(), "");
            }
        }
        // SQL that fails when it is restored: rows that only one database may hold.
        app.server.sql("app", "CREATE FUNCTION fails() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN IF pg_is_in_recovery() OR current_setting('my.flag', true) IS NULL THEN RAISE 'it fails'; END IF; RETURN true; END $$;");
        app.server.sql("app", "SET my.flag TO '1'; ALTER TABLE later ADD COLUMN c int; INSERT INTO later VALUES (1); ALTER TABLE later ADD CHECK (public.fails())");
        std::fs::write(app.scene.message(1), &message).unwrap();
        app.scene.make();
        for args in [&[][..], &["--in-place"], &["--stream"]] {
            let run = app.scene.json(&[&[":backup:restore", "tree", "--yes"], args].concat());
            run.assert_code(9);
            run.assert_error(&["it fails"]);
            assert_eq!(app.state(&format!("bad SQL {args:?}")), State::Old);
            assert_eq!(app.left(), "");
        }
    }
}
