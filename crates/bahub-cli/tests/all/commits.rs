//! Signals while a version is being committed: what is reported of it must be true.

use bahub_testkit::backup_repository::{Fault, Operation, Refusal};
use rustix::process::Signal;

use super::support::{Running, Scene, Server, held_tar};

/// A run whose upload was registered, whose answer was lost, and that looks for it in vain for some ten seconds.
pub(crate) fn looking_up(scene: &mut Scene, server: &Server) -> Running {
    server.misbehave(Fault::lose_answer());
    let mut gate = held_tar(scene);
    let mut running = scene.start(&[":backup:make", "tree"]);
    gate.reached();
    server.misbehave(Fault::refuse(Refusal::Forbidden).on(Operation::List).always());
    gate.open();
    running.until_phase("committing");
    running
}

#[test]
fn a_signal_during_a_commit_does_not_deny_a_version() {
    for meta in [", relay: true", ", relay: false"] {
        let server = Server::start();
        let mut scene = Scene::new().with_access(&server.access()).with_meta(meta);
        let running = looking_up(&mut scene, &server);
        running.signal(Signal::INT);
        let run = running.finish();
        run.assert_code(70).assert_error(&["unknown", ":backup:list"]);
        assert_eq!(run.report()["outcome"], "unknown");
        server.behave();
        assert_eq!(scene.list(), ["1"]);
    }
}

#[test]
fn a_second_signal_during_a_commit_does_not_deny_it_either() {
    for meta in [", relay: true", ", relay: false"] {
        let server = Server::start();
        let mut scene = Scene::new().with_access(&server.access()).with_meta(meta);
        let running = looking_up(&mut scene, &server);
        running.signal(Signal::INT);
        // Sooner it would be one with the first.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        running.signal(Signal::TERM);
        let run = running.finish();
        run.assert_code(70);
        // Whether the server had all of it by then is a race, which is what the outcome says.
        assert_eq!(run.report()["outcome"], "unknown");
    }
}

#[test]
fn each_run_logs_in_once_and_leaves_no_session() {
    for relay in ["true", "false"] {
        let server = Server::start();
        let scene = Scene::new().with_access(&server.access_by_password()).with_meta(&format!(", relay: {relay}"));
        scene.make();
        assert_eq!(server.logins().len(), 1);
        scene.json(&[":backup:verify", "tree"]).assert_code(0);
        assert_eq!(server.logins().len(), 2);
        scene.assert_restores("out");
        assert_eq!(server.logins().len(), 3);
        assert_eq!(server.active_sessions(), []);
    }
}
