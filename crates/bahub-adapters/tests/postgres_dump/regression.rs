//! The database that PostgreSQL's own regression tests leave behind: every kind of object.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use bahub_testkit::fixtures::Postgres;
use serde_json::json;

use super::support::{Room, done, in_place, left, same, spec};

/// Scripts that need the tests' own C library and do more harm than good without it, or that leave nothing behind but take long; no other
/// script depends on them.
const WITHOUT: [&str; 3] = ["tablespace", "join_hash", "select_parallel"];

/// What those tests cover little: contributed extensions, large objects with rights and a comment, foreign servers.
const MORE: &str = "
CREATE SCHEMA \"ext s\"; CREATE EXTENSION hstore SCHEMA \"ext s\"; CREATE EXTENSION citext; CREATE EXTENSION pg_trgm; CREATE EXTENSION ltree;
CREATE EXTENSION btree_gist; CREATE EXTENSION pgcrypto; CREATE EXTENSION cube;
CREATE TABLE extended (h \"ext s\".hstore, c citext, l ltree, q cube, EXCLUDE USING gist (q WITH &&));
INSERT INTO extended VALUES ('a=>1', 'ABC', 'a.b', '(1,2)'); CREATE INDEX ON extended USING gin ((c::text) gin_trgm_ops);
SELECT lo_from_bytea(99001, decode(repeat('00ff5c27', 100000), 'hex')); GRANT SELECT ON LARGE OBJECT 99001 TO PUBLIC; COMMENT ON LARGE OBJECT 99001 IS 'large';
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM extended; CREATE TABLE secret_rows (v int); ALTER TABLE secret_rows ENABLE ROW LEVEL SECURITY; CREATE POLICY odd ON secret_rows USING (v % 2 = 1);
";

/// What only a superuser may create.
const MORE_OF_SUPERUSERS: &str = "
CREATE EXTENSION earthdistance; CREATE EXTENSION postgres_fdw; CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'nowhere', dbname 'it''s');
CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (password 'x''y');
";

/// As the regression tests' own driver has them.
const SETTINGS: &str = "ALTER DATABASE regression SET bytea_output TO hex; ALTER DATABASE regression SET timezone_abbreviations TO 'Default'";

/// Runs the regression tests' scripts, in their order, as that user into its database `regression`; what fails, fails.
/// False if the scripts are not available.
fn regression(server: &Postgres, owner: &str) -> bool {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/testbed/postgresql-regress");
    if !source.join("sql").exists() {
        eprintln!("NOT RUN: PostgreSQL's regression tests are not there: scripts/testbed up databases");
        server.sql("postgres", &format!("CREATE DATABASE regression OWNER {owner} TEMPLATE template0"));
        return false;
    }
    // The server reads its data files.
    let regress = server.folder().join("regress");
    let copied = Command::new("cp").arg("-r").args([&source, &regress]).status().unwrap();
    assert!(copied.success());
    let schedule = std::fs::read_to_string(regress.join("parallel_schedule")).unwrap();
    server.sql("postgres", &format!("CREATE DATABASE regression OWNER {owner} TEMPLATE template0"));
    server.sql("postgres", SETTINGS);
    let groups = schedule.lines().filter_map(|line| line.strip_prefix("test: "));
    for group in groups {
        let scripts = group.split_whitespace().filter(|name| !WITHOUT.contains(name));
        let running: Vec<_> = scripts
            .map(|name| {
                let mut psql = server.command("psql");
                psql.args(["-X", "-q", "-A", "-t", "-v", "HIDE_TABLEAM=on", "-v", "HIDE_TOAST_COMPRESSION=on", "-f"]);
                psql.arg(regress.join("sql").join(format!("{name}.sql"))).current_dir(&regress);
                psql.env("PGUSER", owner)
                    .env("PGDATABASE", "regression")
                    .env("PGTZ", "PST8PDT")
                    .env("PGDATESTYLE", "Postgres, MDY");
                psql.env("PG_ABS_SRCDIR", &regress)
                    .env("PG_ABS_BUILDDIR", &regress)
                    .env("PG_LIBDIR", "/nonexistent")
                    .env("PG_DLSUFFIX", ".so");
                psql.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
            })
            .collect();
        for mut psql in running {
            psql.wait().unwrap();
        }
    }
    true
}

/// Dumps and restores the database once with PostgreSQL's own programs, as its owner: this changes the order of inherited
/// columns.
fn settled(server: &Postgres, owner: &str) {
    server.sql("postgres", &format!("CREATE DATABASE settled OWNER {owner} TEMPLATE template0"));
    let as_owner = |name| {
        let mut command = server.command(name);
        command.env("PGUSER", owner).env("PGDATABASE", "regression");
        command
    };
    let mut dump = as_owner("pg_dump").args(["-Fc", "-Z0"]).stdout(Stdio::piped()).spawn().unwrap();
    let restored = as_owner("pg_restore").args(["-e", "-d", "settled"]).stdin(dump.stdout.take().unwrap()).status();
    assert!(dump.wait().unwrap().success() && restored.unwrap().success());
    server.sql("postgres", "DROP DATABASE regression; ALTER DATABASE settled RENAME TO regression");
    server.sql("postgres", SETTINGS);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: scripts/test --grid"]
async fn full_grid_the_regression_database_comes_back_as_it_was() {
    let formats = ["custom", "plain"];
    let (source, fresh) = (Postgres::start(), Postgres::start());
    let has_run = regression(&source, "postgres");
    source.sql("regression", &format!("{MORE} {MORE_OF_SUPERUSERS}"));
    settled(&source, "postgres");
    let objects = source.sql("regression", "SELECT count(*) FROM pg_class WHERE oid >= 16384");
    assert!(!has_run || objects.parse::<u32>().unwrap() > 1000, "{objects}");
    let before = source.globals() + &source.dump("regression");
    let one = |server: &Postgres, format: &str| spec(server, json!({ "database": "regression", "format": format }));
    for (number, format) in formats.iter().enumerate() {
        let room = Room::new();
        done(&room.backup(one(&source, format)).await);
        source.sql("regression", "CREATE TABLE later ()");
        done(&room.restored(one(&source, format)).await);
        same(&(source.globals() + &source.dump("regression")), &before);
        // A restore in place cannot have large objects.
        source.sql("regression", "SELECT lo_unlink(oid) FROM pg_largeobject_metadata");
        let small = Room::new();
        done(&small.backup(one(&source, format)).await);
        let without = source.dump("regression");
        source.sql("regression", "CREATE TABLE later ()");
        done(&small.restore(one(&source, format), in_place()).await);
        assert_eq!(source.sql("regression", "SELECT to_regclass('later')"), "");
        same_but_for_public(&source.dump("regression"), &without);
        assert_eq!(left(&source), "");
        if number + 1 < formats.len() {
            // As the first restore leaves it, for the next round.
            done(&room.restored(one(&source, format)).await);
        }
    }
    let room = Room::new();
    done(&room.backup(spec(&source, json!({}))).await);
    done(&room.restored(spec(&fresh, json!({}))).await);
    same(&fresh.dump("regression"), &source.dump("regression"));
}

/// A database made by a user who is not a superuser, and restored as that user.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: scripts/test --grid"]
async fn full_grid_a_plain_owner_gets_the_regression_database_back_as_it_was() {
    let source = Postgres::start();
    // The scripts read data from files of the server.
    let password = Postgres::PASSWORD;
    source.sql(
        "postgres",
        &format!(
            "CREATE ROLE plain LOGIN CREATEDB PASSWORD $word${password}$word$; GRANT pg_read_server_files TO plain"
        ),
    );
    let has_run = regression(&source, "plain");
    source.sql("regression", &format!("SET ROLE plain; {MORE}"));
    settled(&source, "plain");
    let objects = source.sql("regression", "SELECT count(*) FROM pg_class WHERE oid >= 16384");
    assert!(!has_run || objects.parse::<u32>().unwrap() > 1000, "{objects}");
    let of_others =
        "SELECT oid::regclass FROM pg_class WHERE NOT pg_has_role('plain', relowner, 'USAGE') AND oid >= 16384";
    assert_eq!(source.sql("regression", of_others), "");
    let before = source.dump("regression");
    for format in ["custom", "plain"] {
        let of_plain = || {
            let more = json!({ "user": "plain", "database": "regression", "format": format });
            spec(&source, more)
        };
        let room = Room::new();
        done(&room.backup(of_plain()).await);
        source.sql("regression", "CREATE TABLE later ()");
        done(&room.restored(of_plain()).await);
        same(&source.dump("regression"), &before);
        source.sql("postgres", "DROP DATABASE regression");
        done(&room.restored(of_plain()).await);
        same(&source.dump("regression"), &before);
        assert_eq!(left(&source), "");
    }
}

/// A schema that was dropped and recreated has none of the rights from the server's installation.
fn same_but_for_public(one: &str, before: &str) {
    let before: std::collections::HashSet<_> = before.lines().collect();
    let lines = one.lines().filter(|line| !line.contains("SCHEMA public") && !line.contains("SCHEMA \"public\""));
    let missing = lines.filter(|line| !line.is_empty() && !line.starts_with("--")).find(|line| !before.contains(line));
    assert_eq!(missing, None);
}
