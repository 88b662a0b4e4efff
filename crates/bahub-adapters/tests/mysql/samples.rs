//! Databases that others made, as scripts for the server's client program.

use std::path::Path;
use std::process::Stdio;

use bahub_core::engine::{RestoreMode, RestoreOptions};
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_testkit::fixtures::{MariaDb, Release};
use serde_json::json;

use super::support::{Room, done, spec};

const COPY: &str = "copy_of_a_sample";

fn loaded(release: Release, script: &Path) -> MariaDb {
    let server = MariaDb::of(release, &["--max-allowed-packet=256M"]);
    let run = server
        .command("mariadb")
        .stdin(std::fs::File::open(script).unwrap())
        .stdout(Stdio::null())
        .current_dir(script.parent().unwrap())
        .status();
    assert!(run.unwrap().success(), "{}", script.display());
    server
}

/// Make, drill, a copy, and each kind of restore, of each database.
async fn goes_round(release: Release, script: &Path) -> Vec<String> {
    let (server, room) = (loaded(release, script), Room::with_client(release));
    let names = server.sql(
        "SELECT schema_name FROM information_schema.schemata \
         WHERE schema_name NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema');",
    );
    let names: Vec<_> = names.lines().map(str::to_owned).collect();
    assert!(!names.is_empty(), "{}", script.display());
    for name in &names {
        let before = server.dump(&[name]);
        let untouched = || assert!(server.dump(&[name]) == before, "{name} differs");
        let of = || spec(&server, json!({ "database": name }));
        done(&room.backup(of()).await);
        let mode = |mode| RestoreOptions::default().mode(mode);
        let drilled = room.engine.restore(&room.plan(of()), &mode(RestoreMode::DrillOnly)).await;
        done(&drilled);
        assert!(drilled.report.drill.as_ref().unwrap().compared);
        untouched();
        let copied = room.restore(of(), RestoreTarget::Database(COPY.into())).await;
        done(&copied);
        println!("{name}: {:?}", copied.report.warnings);
        untouched();
        server.sql(&format!("DROP DATABASE {COPY};"));
        done(&room.engine.restore(&room.plan(of()), &mode(RestoreMode::ScratchFirst)).await);
        untouched();
        done(&room.restore_to(of(), ReplayTarget { in_place: true, ..ReplayTarget::default() }).await);
        untouched();
    }
    let all: Vec<_> = names.iter().map(String::as_str).collect();
    let before = server.dump(&all);
    done(&room.backup(spec(&server, json!({}))).await);
    let fresh = MariaDb::of(release, &["--max-allowed-packet=256M"]);
    let there = spec(&server, json!({ "port": fresh.port() }));
    done(&room.restore(there, RestoreTarget::Original).await);
    assert!(fresh.dump(&all) == before, "all databases differ on a fresh server");
    names
}

/// `BAHUB_SAMPLES=FOLDER cargo test --workspace --all-features --test mysql -- --ignored --nocapture samples`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a folder of SQL scripts, BAHUB_SAMPLES: sakila, employees"]
async fn samples() {
    let folder = std::env::var("BAHUB_SAMPLES").expect("BAHUB_SAMPLES names a folder");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut scripts: Vec<_> = entries.filter(|path| path.extension().is_some_and(|sql| sql == "sql")).collect();
    scripts.sort();
    let releases = [Release::System, Release::MariaDb11, Release::MySql9];
    for release in releases.into_iter().filter(|release| release.is_there()) {
        for script in &scripts {
            let names = goes_round(release, script).await;
            println!("{}, {}: {}", release.name(), script.display(), names.join(", "));
        }
    }
}
