//! A server that misbehaves: no version that is not whole, and the server's words in the message.

use bahub_testkit::backup_repository::{Fault, Operation, Refusal};

use super::commits::looking_up;
use super::support::{COLLECTION, Run, Scene, Server};

const DATA: usize = 1_500_000;

/// A scene whose server has one good version, and the version's size.
fn scene(server: &Server, meta: &str) -> (Scene, u64) {
    let access = format!("{}, stall_timeout: 5, answer_timeout: 5", server.access());
    let scene = Scene::with_noise(DATA).with_access(&access).with_meta(meta);
    scene.make();
    let size = server.versions(COLLECTION)[0].bytes;
    assert!(size > DATA as u64);
    (scene, size)
}

#[track_caller]
fn fails(scene: &Scene, server: &Server, words: &[&str]) -> Run {
    let before = server.numbers();
    let run = scene.json(&[":backup:make", "tree"]);
    run.assert_code(10).assert_error(words);
    assert_eq!(server.numbers(), before);
    assert_eq!(scene.list().len(), before.len());
    server.behave();
    run
}

fn next_run_succeeds(scene: &Scene, server: &Server) {
    let before = server.numbers().len();
    scene.make();
    assert_eq!(server.numbers().len(), before + 1);
    scene.assert_restores("out");
}

#[test]
fn a_reset_at_every_tenth_of_the_body_leaves_no_version() {
    for meta in ["", ", relay: true"] {
        let server = Server::start();
        let (scene, size) = scene(&server, meta);
        for tenth in 0..10 {
            server.misbehave(Fault::reset_upload_after(size * tenth / 10 + 1));
            fails(&scene, &server, &[&server.url()]);
        }
        server.misbehave(Fault::reset_upload_after(size - 1));
        fails(&scene, &server, &[&server.url()]);
        next_run_succeeds(&scene, &server);
    }
}

#[test]
fn a_refusal_is_reported_in_the_server_s_words() {
    let server = Server::start();
    let (scene, size) = scene(&server, "");
    let refusals = [
        (Refusal::Unauthorized, ["401", "signature is invalid"]),
        (Refusal::Forbidden, ["403", "not authorized to upload versions"]),
        (Refusal::ServerError, ["500", "storage error"]),
    ];
    for (refusal, words) in refusals {
        server.misbehave(Fault::refuse(refusal).on(Operation::Upload).always());
        fails(&scene, &server, &words);
        server.misbehave(Fault::refuse_upload_after(refusal, size / 2));
        fails(&scene, &server, &words);
    }
    server.misbehave(Fault::refuse_upload_after(Refusal::TooManyRequests, size / 2));
    fails(&scene, &server, &["429"]);
    next_run_succeeds(&scene, &server);
}

#[test]
fn too_many_requests_before_anything_was_sent_are_tried_again() {
    let server = Server::start();
    let (scene, _) = scene(&server, "");
    server.misbehave(Fault::refuse(Refusal::TooManyRequests).on(Operation::List));
    assert_eq!(scene.list(), ["1"]);
    let asked = server.requests().iter().filter(|request| request.status == Some(429)).count();
    assert_eq!(asked, 1);
}

#[test]
fn an_upload_that_is_answered_429_leaves_no_version_or_one() {
    let server = Server::start();
    let (scene, _) = scene(&server, "");
    server.misbehave(Fault::refuse(Refusal::TooManyRequests).on(Operation::Upload).always());
    fails(&scene, &server, &["429"]);
    next_run_succeeds(&scene, &server);
}

#[test]
fn a_200_is_not_yet_a_version() {
    let server = Server::start();
    let (scene, size) = scene(&server, "");
    server.misbehave(Fault::accept_without_registering());
    fails(&scene, &server, &["not"]);
    server.misbehave(Fault::store_only(size / 2));
    let run = scene.json(&[":backup:make", "tree"]);
    assert!(matches!(run.status.code(), Some(10 | 70)), "{run:?}");
    assert_ne!(run.report()["outcome"], "succeeded");
    next_run_succeeds(&scene, &server);
}

#[test]
fn an_answer_that_is_lost_after_the_commit_is_looked_up() {
    for meta in ["", ", relay: true"] {
        let server = Server::start();
        let (scene, _) = scene(&server, meta);
        server.misbehave(Fault::lose_answer());
        let made = scene.make().report();
        assert_eq!((made["version"].as_str(), server.numbers().as_slice()), (Some("v2"), &[1, 2][..]));
        scene.assert_restores("out");
    }
}

#[test]
fn an_answer_that_is_lost_and_cannot_be_looked_up_is_unknown() {
    for meta in ["", ", relay: true"] {
        let server = Server::start();
        let (mut scene, _) = scene(&server, meta);
        let run = looking_up(&mut scene, &server).finish();
        run.assert_code(70).assert_error(&["unknown", ":backup:list"]);
        assert_eq!(run.report()["outcome"], "unknown");
        server.behave();
        assert_eq!(scene.list(), ["1", "2"]);
    }
}

#[test]
fn a_server_that_stalls_is_given_up() {
    for meta in ["", ", relay: true"] {
        let server = Server::start();
        let (scene, _) = scene(&server, meta);
        // More than the system's buffers take.
        std::fs::write(scene.data().join("more"), bahub_testkit::fixtures::noise(24 << 20)).unwrap();
        server.misbehave(Fault::stall_upload_after(50_000));
        fails(&scene, &server, &["accepted no more data for 5 s", &server.url()]);
        std::fs::remove_file(scene.data().join("more")).unwrap();
        next_run_succeeds(&scene, &server);
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let server = Server::start();
    let scene = Scene::new().with_access(&server.access());
    let url = server.url();
    drop(server);
    for args in [&[":backup:list", "tree"][..], &[":backup:make", "tree"]] {
        let run = scene.json(args);
        run.assert_code(10).assert_error(&[&url]);
    }
}

#[test]
fn a_download_that_breaks_off_restores_nothing() {
    let server = Server::start();
    let (scene, size) = scene(&server, "");
    let breaks: [fn(u64) -> Fault; 3] =
        [Fault::truncate_download_after, Fault::reset_download_after, Fault::stall_download_after];
    for (number, broken) in breaks.into_iter().enumerate() {
        server.misbehave(broken(size / 2).always());
        let name = format!("out-{number}");
        let run = scene.json(&[":backup:restore", "tree", "--to", &name]);
        assert!(matches!(run.status.code(), Some(10 | 12)), "{run:?}");
        assert!(!scene.at(&name).exists(), "{run:?}");
        server.behave();
    }
    scene.assert_restores("out");
}
