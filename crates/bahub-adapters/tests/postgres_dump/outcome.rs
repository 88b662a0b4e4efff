//! Restores that are broken off around the moment in which they take effect: what is reported is what the server holds.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use bahub_core::engine::{RestoreOptions, RunControl, RunErrorKind, RunOutcome};
use bahub_core::replay::ReplayTarget;
use bahub_testkit::fakes::WithPrograms;
use bahub_testkit::fixtures::Postgres;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{Room, adapter, done, failure_text, in_place, left, spec};

/// A folder with a psql that runs these lines of shell first, with its script in `$script`, and the real one in `real`.
pub(crate) fn psql_that(does: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("psql");
    let text = format!(
        "#!/bin/bash\nreal() {{ psql \"$@\" < \"$script\"; }}\ncase \" $* \" in *' --version '*) exec psql --version;; esac\n\
         script=$(mktemp)\ncat > \"$script\"\ntrap 'rm -f \"$script\"' EXIT\n{does}\nreal \"$@\"\n"
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

/// Database `name` with one row, a backup of it, and another row after that.
async fn scene(server: &Postgres, name: &str) -> (Room, Value) {
    server.sql("postgres", &format!("CREATE DATABASE {name}"));
    server.sql(name, "CREATE TABLE t AS SELECT 1 AS v");
    let (room, spec) = (Room::new(), spec(server, json!({ "database": name })));
    done(&room.backup(spec.clone()).await);
    server.sql(name, "INSERT INTO t VALUES (2)");
    (room, spec)
}

async fn restored_by(
    room: &Room,
    spec: &Value,
    psql: &TempDir,
    target: ReplayTarget,
    control: &RunControl,
) -> RunOutcome {
    let adapter = WithPrograms::new(adapter(spec.clone()), psql.path());
    let plan = room.engine.plan(Arc::new(adapter), Arc::new(room.sink.clone()));
    room.engine.restore(&plan, &RestoreOptions::default().to(target).controlled_by(control)).await
}

fn warnings(ended: &RunOutcome) -> String {
    ended.report.warnings.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_broken_off_after_it_took_effect_has_succeeded() {
    let server = Postgres::start();
    let (room, spec) = scene(&server, "late").await;
    let rows = || server.sql("late", "SELECT string_agg(v::text, ' ') FROM t");

    // Cancelled while the old database is dropped.
    let marker = tempfile::tempdir().unwrap();
    let drops = marker.path().join("drops");
    let slow = psql_that(&format!(
        "if grep -q 'DROP DATABASE.*__bahub_old' \"$script\"; then touch {}; sleep 60; fi",
        drops.display()
    ));
    let control = RunControl::default();
    let cancelling = tokio::spawn({
        let control = control.clone();
        async move {
            while !drops.exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            control.cancel();
        }
    });
    let ended = restored_by(&room, &spec, &slow, ReplayTarget::default(), &control).await;
    cancelling.await.unwrap();
    done(&ended);
    assert!(warnings(&ended).contains("not what comes after it"), "{}", warnings(&ended));
    assert_eq!(rows(), "1");
    assert!(left(&server).starts_with("__bahub_old_"), "{}", left(&server));

    // psql dies between the commit and its own end.
    server.sql("late", "INSERT INTO t VALUES (3)");
    let dies = psql_that("if grep -q 'RENAME TO' \"$script\"; then real \"$@\"; kill -9 $$; fi");
    for keep_old in [false, true] {
        let target = ReplayTarget { keep_old, ..ReplayTarget::default() };
        let ended = restored_by(&room, &spec, &dies, target, &RunControl::default()).await;
        done(&ended);
        assert!(warnings(&ended).contains("had taken effect before it was broken off"), "{}", warnings(&ended));
        assert_eq!((rows(), left(&server)), ("1".to_owned(), String::new()));
    }

    // psql dies before it did anything.
    server.sql("late", "INSERT INTO t VALUES (4)");
    let dead = psql_that("if grep -q 'RENAME TO' \"$script\"; then kill -9 $$; fi");
    let ended = restored_by(&room, &spec, &dead, ReplayTarget::default(), &RunControl::default()).await;
    assert!(failure_text(&ended).starts_with("Program"), "{}", failure_text(&ended));
    assert_eq!((rows(), left(&server)), ("1 4".to_owned(), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_server_cannot_be_asked_nothing_is_dropped_and_the_outcome_is_unknown() {
    let server = Postgres::start();
    let (room, spec) = scene(&server, "unsure").await;
    let mute = "if grep -q \"ELSE 'some'\" \"$script\"; then echo 'server closed the connection' >&2; exit 2; fi\n";
    let dies = psql_that(&format!("{mute}if grep -q 'RENAME TO' \"$script\"; then real \"$@\"; kill -9 $$; fi"));
    let ended = restored_by(&room, &spec, &dies, ReplayTarget::default(), &RunControl::default()).await;
    assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Unknown, "{}", failure_text(&ended));
    let old = left(&server);
    assert!(old.starts_with("__bahub_old_"), "{old}");
    assert!(
        failure_text(&ended).contains(&old) && failure_text(&ended).contains("psql -l"),
        "{}",
        failure_text(&ended)
    );
    assert_eq!(server.sql(&old, "SELECT count(*) FROM t"), "2");
    assert_eq!(server.sql("unsure", "SELECT count(*) FROM t"), "1");
    // The next run removes it.
    done(&room.backup(spec).await);
    assert_eq!(left(&server), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_in_place_that_is_broken_off_is_what_the_server_holds() {
    let server = Postgres::start();
    let (room, one) = scene(&server, "placed").await;
    let rows = |name: &str| server.sql(name, "SELECT string_agg(v::text, ' ') FROM t");
    let marks = |name: &str| server.sql(name, "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^__bahub'");
    // An event trigger is for the database's own changes.
    server.sql("placed", "CREATE TABLE log (tag text); CREATE FUNCTION logs() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (tg_tag); END'; \
        CREATE EVENT TRIGGER logs ON sql_drop EXECUTE FUNCTION logs()");
    done(&room.backup(one.clone()).await);
    done(&room.restore(one.clone(), in_place()).await);
    assert_eq!((marks("placed").as_str(), server.sql("placed", "SELECT count(*) FROM log").as_str()), ("0", "0"));

    server.sql("placed", "INSERT INTO t VALUES (3)");
    let is_filling = "grep -q 'CREATE SCHEMA __bahub_restored' \"$script\"";
    let dies = psql_that(&format!("if {is_filling}; then real \"$@\"; kill -9 $$; fi"));
    let ended = restored_by(&room, &one, &dies, in_place(), &RunControl::default()).await;
    done(&ended);
    assert!(warnings(&ended).contains("had taken effect before it was broken off"), "{}", warnings(&ended));
    assert_eq!((rows("placed").as_str(), marks("placed").as_str()), ("1 2", "0"));

    server.sql("placed", "INSERT INTO t VALUES (4)");
    let dead = psql_that(&format!("if {is_filling}; then kill -9 $$; fi"));
    let ended = restored_by(&room, &one, &dead, in_place(), &RunControl::default()).await;
    assert_eq!(ended.error.as_ref().unwrap().kind(), RunErrorKind::Program, "{}", failure_text(&ended));
    assert_eq!(rows("placed"), "1 2 4");

    // One of two.
    let (_, _) = scene(&server, "beside").await;
    let (room, both) = (Room::new(), spec(&server, json!({ "databases": ["beside", "placed"] })));
    done(&room.backup(both.clone()).await);
    for name in ["beside", "placed"] {
        server.sql(name, "INSERT INTO t VALUES (5)");
    }
    let dead = psql_that(&format!("if {is_filling} && [[ \"$*\" == *\"'placed'\"* ]]; then kill -9 $$; fi"));
    let ended = restored_by(&room, &both, &dead, in_place(), &RunControl::default()).await;
    let text = failure_text(&ended);
    assert!(
        text.starts_with("Unknown") && text.contains("beside, placed") && text.contains("__bahub_restored_"),
        "{text}"
    );
    assert_eq!((rows("beside").as_str(), rows("placed").as_str()), ("1 2", "1 2 4 5"));
    assert_eq!((marks("beside").as_str(), marks("placed").as_str()), ("1", "0"));
    // The next run removes what told them apart.
    done(&room.backup(both).await);
    assert_eq!(marks("beside"), "0");
}
