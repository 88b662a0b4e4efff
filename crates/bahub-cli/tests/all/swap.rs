//! Another valid message, put in place between the proof and the restore.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::support::{COLLECTION, Scene, Server};

/// Passes connections on to a server, and calls `before` ahead of every download of a version, with its number.
fn proxy(server: &str, before: impl Fn(usize) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = server.strip_prefix("http://").unwrap().to_owned();
    let (before, downloads) = (Arc::new(before), Arc::new(AtomicUsize::new(0)));
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let upstream = TcpStream::connect(&server).unwrap();
            let (mut down, mut up) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut down, &mut up);
                let _ = up.shutdown(std::net::Shutdown::Both);
            });
            let (before, downloads) = (Arc::clone(&before), Arc::clone(&downloads));
            thread::spawn(move || {
                pass_on(client, upstream, |request| {
                    if request.contains(&format!("/collection/{COLLECTION}/version/")) {
                        before(downloads.fetch_add(1, Ordering::SeqCst) + 1);
                    }
                })
            });
        }
    });
    address
}

/// Requests without bodies, each of which arrives in one piece.
fn pass_on(mut client: TcpStream, mut upstream: TcpStream, each: impl Fn(&str)) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        each(&String::from_utf8_lossy(&buffer[..count]));
        if upstream.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = upstream.shutdown(std::net::Shutdown::Both);
}

/// Makes two versions, lets the second take the first's place before its third download, which is the restore's, and
/// restores the first.
fn swapped(meta: &str, second: impl FnOnce(&Scene)) {
    let server = Arc::new(Server::start());
    let mut scene = Scene::with_noise(100_000).with_access(&server.access()).with_meta(meta);
    scene.make();
    second(&scene);
    scene.make();
    let other = server.versions(COLLECTION)[1].data();
    let address = proxy(&server.url(), {
        let server = Arc::clone(&server);
        move |download| {
            if download == 3 {
                server.tamper(COLLECTION, 1, |data| data.clone_from(&other));
            }
        }
    });
    scene.set_access(&format!("url: \"http://{address}\", token: \"{}\"", server.token()));
    let run = scene.json(&[":backup:restore", "tree", "--version", "v1", "--to", "out"]);
    run.assert_code(12);
    assert_eq!(run.report()["outcome"], "failed");
    assert!(run.lines().iter().any(|line| line["phase"] == "replaying"), "the proof itself succeeded: {run:?}");
    // The other message is whole: it is refused for being another one.
    scene.set_access(&server.access());
    scene.assert_restores("other");
}

#[test]
fn a_message_that_is_swapped_for_another_of_its_size_is_refused() {
    for relay in ["true", "false"] {
        swapped(&format!(", compression: none, relay: {relay}"), |scene| {
            std::fs::write(scene.data().join("noise"), bahub_testkit::fixtures::noise(100_000)).unwrap();
        });
    }
}

#[test]
fn a_message_that_is_swapped_for_another_of_another_size_is_refused() {
    swapped("", |scene| std::fs::write(scene.data().join("more"), "more").unwrap());
}
