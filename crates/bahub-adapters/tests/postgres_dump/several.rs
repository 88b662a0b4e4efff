//! Several databases, and all of them.

use bahub_core::compression::{Algorithm, Compression};
use bahub_core::engine::{RestoreMode, RestoreOptions};
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_testkit::fixtures::Postgres;
use serde_json::json;

use super::support::{Room, done, failure_text, in_place, left, same, spec};

/// Roles, memberships, settings, databases with odd names.
const SERVER: &str = r#"
CREATE ROLE "o'w\ner 🙂" LOGIN PASSWORD 'sec''ret\' CREATEDB CONNECTION LIMIT 5 VALID UNTIL '2030-01-01 00:00:00+00';
CREATE ROLE "group" NOLOGIN; CREATE ROLE member LOGIN NOINHERIT PASSWORD 'x'; CREATE ROLE "CREATE ROLE x;" BYPASSRLS REPLICATION;
GRANT "group" TO member WITH ADMIN OPTION; GRANT "group" TO "o'w\ner 🙂"; GRANT pg_read_all_data TO member;
ALTER ROLE member SET search_path TO "$user", 'a b', "c""d"; ALTER ROLE member SET work_mem TO '3MB'; ALTER ROLE member SET "my.own" TO 'it''s \ so';
ALTER ROLE postgres SET statement_timeout TO '1h';
COMMENT ON ROLE member IS E'line\n\\connect postgres\nit''s'; COMMENT ON ROLE "group" IS 'g';
GRANT SET ON PARAMETER log_statement TO member; GRANT ALTER SYSTEM ON PARAMETER log_min_messages TO member WITH GRANT OPTION;
CREATE DATABASE "a'b ""c\ 🙂" OWNER "o'w\ner 🙂";
ALTER ROLE member IN DATABASE "a'b ""c\ 🙂" SET work_mem TO '9MB'; GRANT CREATE ON DATABASE "a'b ""c\ 🙂" TO member WITH GRANT OPTION;
CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE "-r"; CREATE DATABASE tmpl IS_TEMPLATE true; CREATE DATABASE closed ALLOW_CONNECTIONS false;
CREATE DATABASE empty_path; ALTER DATABASE empty_path SET search_path TO ''; ALTER DATABASE tmpl SET search_path TO 'A b', "c""d", e;
CREATE ROLE evil LOGIN; SELECT set_config('search_path', 'public;ALTER/**/ROLE/**/evil/**/SUPERUSER', false);
ALTER ROLE evil SET search_path FROM CURRENT;
"#;

fn filled(server: &Postgres) {
    server.sql("postgres", SERVER);
    let databases = ["a'b \"c\\ 🙂", "latin", "-r", "postgres"];
    for (index, name) in databases.into_iter().enumerate() {
        let (text, owner) = if name == "latin" { ("é", "member") } else { ("é 🙂", "o'w\\ner 🙂") };
        server.sql(name, &format!(
            "CREATE TABLE t (v text); INSERT INTO t SELECT '{text} ' || n FROM generate_series(1, 1000 + {index}) n; \
             ALTER TABLE t OWNER TO \"{owner}\"; GRANT SELECT ON t TO \"group\";"
        ));
    }
}

/// Everything but the connecting role, which a restore leaves alone.
fn everything(server: &Postgres) -> String {
    let names = server
        .sql("postgres", "SELECT datname FROM pg_database WHERE datallowconn AND datname <> 'template1' ORDER BY 1");
    let dumps = names.lines().map(|name| server.dump(name));
    let all = server.globals() + &dumps.collect::<String>();
    let is_mine = |line: &&str| line.starts_with("ALTER ROLE postgres ") || line.contains("User Config \"postgres\"");
    all.lines().filter(|line| !is_mine(line) && !line.is_empty() && *line != "--").collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn all_databases_with_their_roles_come_back_on_a_fresh_server_twice_and_on_the_old_one() {
    let (source, fresh) = (Postgres::start(), Postgres::start());
    filled(&source);
    let before = everything(&source);
    let room = Room::new();
    let made = room.backup(spec(&source, json!({}))).await;
    done(&made);
    assert!(
        made.report.warnings.join(" ").contains("do not allow connections are not in the backup: closed"),
        "{:?}",
        made.report
    );
    for _ in 0..2 {
        done(&room.restored(spec(&fresh, json!({}))).await);
        same(&everything(&fresh), &before);
        assert!(!fresh.globals().contains("statement_timeout TO '1h'"));
        assert_eq!(fresh.sql("postgres", "SELECT rolsuper FROM pg_roles WHERE rolname = 'evil'"), "f");
        assert_eq!(left(&fresh), "");
    }
    source.sql("latin", "DROP TABLE t");
    source.sql("postgres", "CREATE TABLE later (); ALTER ROLE member PASSWORD 'other'; DROP DATABASE \"-r\"");
    let all = ReplayTarget { with_roles: true, ..ReplayTarget::default() };
    done(&room.restore(spec(&source, json!({})), all).await);
    same(&everything(&source), &before);
    source.sql("latin", "DROP TABLE t");
    // With gzip, as in configurations of the original.
    let mut zipped = room.plan(spec(&source, json!({})));
    zipped.compression = Compression::new(Algorithm::Gzip);
    source.sql("latin", "CREATE TABLE t AS SELECT generate_series(1, 7)");
    done(&room.engine.backup(&zipped).await);
    source.sql("latin", "DROP TABLE t");
    done(&room.restored(spec(&source, json!({}))).await);
    assert_eq!(source.sql("latin", "SELECT count(*) FROM t"), "7");
    source.sql("latin", "DROP TABLE t");
    done(&room.restore(spec(&source, json!({})), in_place()).await);
    assert_eq!(source.sql("latin", "SELECT count(*) FROM t"), "7");
    assert_eq!(left(&source), "");
    // psql alone, on another fresh server.
    let alone = Postgres::start();
    let script = [b"\\set ON_ERROR_STOP 0\n".as_slice(), &room.content().await].concat();
    let output = alone.psql("postgres", &script);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in ["a'b \"c\\ 🙂", "latin", "-r", "postgres"] {
        assert_eq!(alone.sql(name, "TABLE t"), source.sql(name, "TABLE t"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_comes_back_by_itself() {
    let server = Postgres::start();
    filled(&server);
    let (room, spec) = (Room::new(), spec(&server, json!({ "databases": ["latin", "-r", "postgres"] })));
    done(&room.backup(spec.clone()).await);
    server.sql("latin", "DELETE FROM t");
    server.sql("-r", "DELETE FROM t");
    let only = |place| ReplayTarget { location: place, members: vec!["latin".into()], ..ReplayTarget::default() };
    done(&room.restore(spec.clone(), only(RestoreTarget::Original)).await);
    done(&room.restore(spec.clone(), only(RestoreTarget::Database("other".into()))).await);
    let count = |name| server.sql(name, "SELECT count(*) FROM t");
    assert_eq!([count("latin"), count("other"), count("-r")], ["1001", "1001", "0"]);
    let all = ReplayTarget::at(RestoreTarget::Database("another".into()));
    let refused = failure_text(&room.restore(spec.clone(), all).await);
    assert!(refused.contains("several databases") && refused.contains("one of -r, latin, postgres"), "{refused}");
    let drill = |members| {
        let target = ReplayTarget { members, ..ReplayTarget::default() };
        RestoreOptions::default().to(target).mode(RestoreMode::DrillOnly)
    };
    // One after the other.
    let ended = room.engine.restore(&room.plan(spec.clone()), &drill(Vec::new())).await;
    done(&ended);
    let drilled = ended.report.drill.unwrap();
    assert_eq!((drilled.things, drilled.count, drilled.compared), (3, 3006, true));
    let ended = room.engine.restore(&room.plan(spec.clone()), &drill(vec!["latin".into()])).await;
    done(&ended);
    let drilled = ended.report.drill.unwrap();
    assert_eq!((drilled.things, drilled.count, drilled.compared), (1, 1001, true));
    // Rows that get lost in one of them.
    server.sql("-r", "CREATE FUNCTION eats() RETURNS int LANGUAGE plpgsql AS 'BEGIN IF current_database() ~ ''bahub'' THEN DELETE FROM public.t; END IF; RETURN 1; END'; INSERT INTO t VALUES ('x'); \
        CREATE MATERIALIZED VIEW m AS SELECT eats()");
    let eaten = Room::new();
    done(&eaten.backup(spec.clone()).await);
    let ended = eaten.engine.restore(&eaten.plan(spec.clone()), &drill(Vec::new())).await;
    assert!(
        failure_text(&ended).contains("-r: the restored data differs")
            && failure_text(&ended).contains("public.t has 0"),
        "{}",
        failure_text(&ended)
    );
    assert_eq!(ended.report.drill.unwrap().things, 3, "the others were tried");
    let nope = ReplayTarget { members: vec!["nope".into()], ..ReplayTarget::default() };
    assert!(failure_text(&room.restore(spec, nope).await).contains("contains no database nope"));
    let fewer = super::support::spec(&server, json!({ "databases": ["latin", "postgres"] }));
    let refused = failure_text(&room.restored(fewer.clone()).await);
    assert!(
        refused.contains("would replace the database \"-r\"") && refused.contains("choose what is restored"),
        "{refused}"
    );
    done(&room.restore(fewer, only(RestoreTarget::Original)).await);
    let one = super::support::spec(&server, json!({ "database": "latin" }));
    assert!(failure_text(&room.restored(one).await).contains("choose what is restored: latin"));
    assert_eq!(left(&server), "");
}
