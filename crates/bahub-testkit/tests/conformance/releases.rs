//! The newer servers of the testbed start, and are what they are called.

use bahub_testkit::fixtures::{MariaDb, Postgres, Redis, Release};

#[test]
fn each_release_is_the_one_that_it_says() {
    for (release, version) in [(Release::MariaDb11, "11.8."), (Release::MySql9, "9.")] {
        if release.is_there() {
            let found = MariaDb::of(release, &[]).sql("SELECT VERSION()");
            assert!(found.starts_with(version), "{found}");
        }
    }
    for (release, version) in [(Release::Postgres17, "17."), (Release::Postgres18, "18.")] {
        if release.is_there() {
            let found = Postgres::of(release, &[]).sql("postgres", "SHOW server_version");
            assert!(found.starts_with(version), "{found}");
        }
    }
    if Release::Valkey8.is_there() {
        let found = Redis::of(Release::Valkey8, &[]).tell(0, &["INFO", "server"]);
        assert!(found.contains("valkey_version:8."), "{found}");
    }
}
