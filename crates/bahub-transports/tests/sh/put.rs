//! Placing files on this host.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bahub_core::step::Exit;
use bahub_core::transport::{Exec, PlacedPath, PutFile};
use tokio::io::AsyncReadExt;

use crate::place::open;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn a_file_is_placed_privately_and_runs() {
    let mut session = open().await;
    let content = fs::read("/bin/echo").unwrap();
    let PlacedPath(path) = session.put(PutFile { name: "agent", content: &content, mode: 0o500 }).await.unwrap();

    let placed = Path::new(&path);
    assert_eq!(mode(placed), 0o500);
    assert_eq!(mode(placed.parent().unwrap()), 0o700);
    assert_eq!(fs::read(placed).unwrap(), content);
    let mut process = session.exec(&Exec::new([&path, "hello"])).await.unwrap();
    let mut said = String::new();
    process.stdout.read_to_string(&mut said).await.unwrap();
    assert_eq!((said.as_str(), process.exit.await), ("hello\n", Exit::Code(0)));
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_program_of_a_busy_process_still_starts() {
    // Other threads fork all the time: one of their children may hold the new file open for writing until its own exec.
    let forks = std::thread::spawn(|| {
        for _ in 0..200 {
            std::process::Command::new("true").status().unwrap();
        }
    });
    let content = fs::read("/bin/true").unwrap();
    while !forks.is_finished() {
        let mut session = open().await;
        let PlacedPath(path) = session.put(PutFile { name: "agent", content: &content, mode: 0o500 }).await.unwrap();
        assert_eq!(session.exec(&Exec::new([path])).await.unwrap().exit.await, Exit::Code(0));
        session.close().await.unwrap();
    }
    forks.join().unwrap();
}

#[tokio::test]
async fn one_folder_holds_all_files_and_none_is_replaced() {
    let mut session = open().await;
    let file = |name| PutFile { name, content: b"1", mode: 0o400 };
    let PlacedPath(one) = session.put(file("one")).await.unwrap();
    let PlacedPath(two) = session.put(file("two")).await.unwrap();
    assert_eq!(Path::new(&one).parent(), Path::new(&two).parent());
    assert!(session.put(file("one")).await.is_err());
}

#[tokio::test]
async fn every_session_has_a_folder_of_its_own() {
    let file = PutFile { name: "agent", content: b"1", mode: 0o400 };
    let (mut one, mut other) = (open().await, open().await);
    assert_ne!(one.put(file).await.unwrap(), other.put(file).await.unwrap());
}
