//! The scripts on the server that is restored: which databases are a run's, and which of them are swapped.

use bahub_testkit::fixtures::Redis;

const CLAIM: &str = include_str!("../../src/redis/sh/claim.lua");
const SWAP: &str = include_str!("../../src/redis/sh/swap.lua");
const SETTLE: &str = include_str!("../../src/redis/sh/settle.lua");
const DROP: &str = include_str!("../../src/redis/sh/drop.lua");

fn ask(server: &Redis, script: &str, words: &[&str]) -> Result<String, String> {
    server.ask(0, &[&["EVAL", script, "0"][..], words].concat())
}

#[track_caller]
fn tell(server: &Redis, script: &str, words: &[&str]) -> String {
    ask(server, script, words).unwrap()
}

/// A server with a key in database 0, for which a run holds database 2.
fn held() -> Redis {
    let server = Redis::start();
    server.tell(0, &["SET", "in use", "x"]);
    assert_eq!(tell(&server, CLAIM, &["run", "0", "2"]), "claimed");
    server
}

/// As after a restart of the server in the middle of a restore.
#[test]
fn what_is_not_what_the_run_has_copied_is_not_swapped() {
    let server = held();
    for wrong in [["another", "0", "2"], ["run", "0", "1"], ["run", "0", "99"], ["run", "99", "2"]] {
        let said = ask(&server, SWAP, &wrong).unwrap_err();
        assert!(said.contains("nothing was swapped") || said.contains("out of range"), "{said}");
        assert_eq!(server.tell(0, &["KEYS", "*"]), "in use", "{wrong:?}");
    }
    // The second is after a lost answer.
    for _ in 0..2 {
        assert_eq!(tell(&server, SWAP, &["run", "0", "2"]), "swapped");
        assert_eq!((server.tell(0, &["KEYS", "*"]), server.tell(2, &["GET", "in use"])), (String::new(), "x".into()));
        assert_eq!(server.tell(2, &["GET", "__bahub_swapped"]), "run");
    }
    assert_eq!(tell(&server, SETTLE, &["run", "0", "2"]), "yes");
}

/// It may still be on the way when the run is asked for.
#[test]
fn a_swap_that_was_given_up_does_not_happen_any_more() {
    let server = held();
    assert_eq!(tell(&server, SETTLE, &["run", "0", "2"]), "no");
    let said = ask(&server, SWAP, &["run", "0", "2"]).unwrap_err();
    assert!(said.contains("the lease of db2 is over"), "{said}");
    assert_eq!(tell(&server, SETTLE, &["run", "0", "2"]), "no");
    assert_eq!(server.tell(0, &["GET", "in use"]), "x");
    server.tell(0, &["FLUSHALL"]);
    assert_eq!(tell(&server, SETTLE, &["run", "0", "2"]), "neither");
}

/// Whatever the user may not do.
#[test]
fn a_missing_right_shows_itself_before_the_swap() {
    for lacking in ["-swapdb", "-del"] {
        let server = held();
        server.tell(0, &["ACL", "SETUSER", "default", lacking]);
        let said = ask(&server, SWAP, &["run", "0", "2"]).unwrap_err();
        assert!(said.contains("can't run this command") || said.contains("no permissions"), "{said}");
        assert_eq!(server.tell(0, &["KEYS", "*"]), "in use", "{lacking}");
    }
}

#[test]
fn a_database_that_another_run_holds_is_not_taken() {
    let server = held();
    let said = ask(&server, CLAIM, &["another", "5", "3", "0", "2"]).unwrap_err();
    assert!(said.contains("another restore uses db2"), "{said}");
    assert_eq!(server.tell(3, &["DBSIZE"]), "0");
    for number in ["2", "7"] {
        assert_eq!(tell(&server, DROP, &[number, "another"]), "kept");
    }
    assert_eq!(tell(&server, DROP, &["2", ""]), "kept");
    server.tell(2, &["DEL", "__bahub_lease"]);
    assert_eq!(tell(&server, DROP, &["2", ""]), "emptied");
    assert_eq!(tell(&server, DROP, &["0", ""]), "kept");
    assert_eq!(server.tell(0, &["GET", "in use"]), "x");
}
