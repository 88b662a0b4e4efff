//! One of several databases cannot be read.

use std::os::unix::fs::FileExt;
use std::sync::Arc;

use async_trait::async_trait;
use bahub_core::compression::{Algorithm, Compression};
use bahub_core::engine::{RestoreMode, RestoreOptions, RunErrorKind, VerifyOptions};
use bahub_core::replay::ReplayTarget;
use bahub_core::report::Outcome;
use bahub_core::sink::{
    Download, Encoding, NewVersion, Sink, SinkCapability, SinkError, Upload, Version, VersionNumber, VersionSelector,
};
use bahub_testkit::fakes::MemorySink;
use bahub_testkit::fixtures::Postgres;
use serde_json::json;

use super::support::{Room, done, failure_text, left, spec};

/// `blog`, `broken`, whose only table has a damaged page behind readable ones, and `shop`.
fn server() -> Postgres {
    let server = Postgres::start();
    server.sql("postgres", "CREATE DATABASE model; CREATE DATABASE shop; CREATE DATABASE blog");
    for name in ["shop", "blog", "model"] {
        server.sql(name, "CREATE TABLE t AS SELECT n, repeat('x', 500) AS v FROM generate_series(1, 2000) n");
    }
    // Its pages are not in the server's memory.
    server.sql("postgres", "CREATE DATABASE broken TEMPLATE model STRATEGY file_copy");
    server.sql("postgres", "DROP DATABASE model");
    let path = server.sql("broken", "SELECT pg_relation_filepath('t')");
    let file = std::fs::File::options().write(true).open(server.folder().join("data").join(path)).unwrap();
    file.write_all_at(&[0xff; 8192], 100 * 8192).unwrap();
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_backup_says_so_wherever_it_is_met() {
    let (server, fresh, room) = (server(), Postgres::start(), Room::new());
    let whole = spec(&server, json!({}));
    let failed = room.backup(whole).await;
    let text = failure_text(&failed);
    assert!(text.contains("data of broken") && text.contains("invalid page in block 100"), "{text}");
    assert!(room.sink.list().await.unwrap().is_empty());

    let partial = spec(&server, json!({ "on_failure": "partial" }));
    for algorithm in [Algorithm::Gzip, Algorithm::Zstd] {
        let mut plan = room.plan(partial.clone());
        plan.compression = Compression::new(algorithm);
        let made = room.engine.backup(&plan).await;
        let text = failure_text(&made);
        assert_eq!(
            (made.error.as_ref().unwrap().kind(), made.report.outcome),
            (RunErrorKind::Partial, Outcome::Partial)
        );
        assert!(
            text.contains("was stored without 1 of its parts") && text.contains("invalid page in block 100"),
            "{text}"
        );
        assert_eq!(made.report.missing.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["data of broken"]);
        let newest = room.sink.list().await.unwrap().pop().unwrap();
        assert_eq!((Some(newest.number), newest.missing), (made.report.version, 1));
        assert!(made.into_result().is_err());

        let says = |warnings: &[String]| {
            assert!(
                warnings.join("\n").contains("the version is partial: \"data of broken\" is not in it"),
                "{warnings:?}"
            );
        };
        let verified = room.engine.engine().verify(&plan, &VerifyOptions::of(VersionSelector::Latest)).await;
        done(&verified);
        says(&verified.report.warnings);
        let drill = RestoreOptions::default().mode(RestoreMode::DrillOnly);
        let drilled = room.engine.restore(&plan, &drill).await;
        done(&drilled);
        says(&drilled.report.warnings);
        assert_eq!(drilled.report.warnings.len(), 1, "{:?}", drilled.report.warnings);
        let drill = drilled.report.drill.unwrap();
        assert_eq!((drill.things, drill.count, drill.compared), (2, 4000, true));
        let restored = room.restored(spec(&fresh, json!({}))).await;
        done(&restored);
        says(&restored.report.warnings);
        assert_eq!(restored.report.missing.len(), 1);
        assert_eq!(fresh.sql("postgres", "SELECT count(*) FROM pg_database WHERE datname = 'broken'"), "0");
        assert_eq!(fresh.dump("shop") + &fresh.dump("blog"), server.dump("shop") + &server.dump("blog"));

        // What only its end says cannot be known before: it stops the restore.
        fresh.sql("shop", "CREATE TABLE later ()");
        let stream = RestoreOptions::default().streamed(true);
        let streamed = room.engine.restore(&room.plan(spec(&fresh, json!({}))), &stream).await;
        let text = failure_text(&streamed);
        assert!(
            text.starts_with("Integrity") && text.contains("does not contain all of its part \"data of broken\""),
            "{text}"
        );
        assert_eq!((fresh.sql("shop", "SELECT 'later'::regclass"), left(&fresh)), ("later".into(), String::new()));
        let broken = ReplayTarget { members: vec!["broken".into()], ..ReplayTarget::default() };
        let text = failure_text(&room.restore(spec(&fresh, json!({})), broken).await);
        assert!(text.contains("contains no database broken") && text.contains("blog"), "{text}");
    }
    // Where it is still there it is left alone.
    let oid = || server.sql("postgres", "SELECT oid FROM pg_database WHERE datname = 'broken'");
    let before = oid();
    done(&room.restored(partial).await);
    assert_eq!(oid(), before);

    // One that is not there, or that the user may not enter, is missing too, wherever it stands in the list.
    server.sql(
        "postgres",
        "CREATE DATABASE closed; REVOKE CONNECT ON DATABASE closed FROM PUBLIC; CREATE ROLE dumper LOGIN PASSWORD 'd'; \
        GRANT pg_read_all_data TO dumper",
    );
    for names in [["absent", "shop", "closed"], ["closed", "shop", "absent"]] {
        let more = json!({ "databases": names, "on_failure": "partial", "user": "dumper", "password": "d" });
        let made = room.backup(spec(&server, more)).await;
        assert_eq!(made.error.as_ref().unwrap().kind(), RunErrorKind::Partial, "{}", failure_text(&made));
        let mut missing: Vec<_> = made.report.missing.iter().map(|part| part.name.as_str()).collect();
        missing.sort_unstable();
        assert_eq!(missing, ["data of absent", "data of closed"]);
        assert!(made.report.warnings.iter().all(|warning| !warning.contains("count")), "{:?}", made.report.warnings);
    }

    // Nothing of it can be read.
    let none = room.backup(spec(&server, json!({ "databases": ["broken"], "on_failure": "partial" }))).await;
    assert_eq!((none.error.as_ref().unwrap().kind(), none.report.version), (RunErrorKind::Program, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_partial_goes_where_nobody_would_learn_that_it_is() {
    let room = Room::new();
    let mut plan =
        room.plan(spec(&super::support::SHARED, json!({ "databases": ["postgres"], "on_failure": "partial" })));
    plan.compression = Compression::new(Algorithm::None);
    let refused = room.engine.backup(&plan).await;
    assert!(
        failure_text(&refused).contains("what is not compressed cannot record where the parts"),
        "{}",
        failure_text(&refused)
    );
    plan.compression = Compression::new(Algorithm::Zstd);
    plan.sink = Arc::new(Unmarked(room.sink.clone()));
    let refused = room.engine.backup(&plan).await;
    let text = failure_text(&refused);
    assert!(text.starts_with("Preflight") && text.contains("cannot record that a version is partial"), "{text}");
    assert!(room.sink.list().await.unwrap().is_empty());
}

/// A store like a Backup Repository server, which has no place for such a mark.
#[derive(Debug)]
struct Unmarked(MemorySink);

#[async_trait]
impl Sink for Unmarked {
    fn identity(&self) -> String {
        self.0.identity()
    }

    fn encoding(&self) -> Encoding {
        self.0.encoding()
    }

    fn capabilities(&self) -> &'static [SinkCapability] {
        &[SinkCapability::List]
    }

    async fn begin(&self, version: &NewVersion) -> Result<Box<dyn Upload>, SinkError> {
        self.0.begin(version).await
    }

    async fn open(&self, version: VersionNumber) -> Result<Download, SinkError> {
        self.0.open(version).await
    }

    async fn list(&self) -> Result<Vec<Version>, SinkError> {
        self.0.list().await
    }

    async fn remove(&self, version: VersionNumber) -> Result<(), SinkError> {
        self.0.remove(version).await
    }
}
