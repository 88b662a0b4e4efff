//! The fixtures do what they promise, and detect what they should.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use bahub_testkit::fixtures::{GnupgHome, KeyPair, SmallDisk, TreeSpec, assert_same_tree, secrets_in_proc, tree};

#[test]
fn a_copied_tree_is_the_same_and_a_changed_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    tree(&one, &TreeSpec::default());
    assert!(Command::new("cp").arg("-a").args([&one, &other]).status().unwrap().success());
    assert_same_tree(&one, &other);
    type Change = fn(&std::path::Path);
    let changes: [(&str, Change); 4] = [
        ("a lost file", |tree| fs::remove_file(tree.join("new\nline")).unwrap()),
        ("a file too many", |tree| fs::write(tree.join("more"), "").unwrap()),
        ("another mode", |tree| fs::set_permissions(tree.join("none"), fs::Permissions::from_mode(0o600)).unwrap()),
        ("a lost hard link", |tree| {
            fs::remove_file(tree.join("zz-hard-link")).unwrap();
            fs::copy(tree.join("plain"), tree.join("zz-hard-link")).unwrap();
        }),
    ];
    for (what, change) in changes {
        fs::remove_dir_all(&other).unwrap();
        assert!(Command::new("cp").arg("-a").args([&one, &other]).status().unwrap().success());
        change(&other);
        let compared = std::panic::catch_unwind(|| assert_same_tree(&one, &other));
        assert!(compared.is_err(), "{what} is not noticed");
    }
}

#[test]
fn gpg_reads_what_it_is_given_and_its_agent_ends() {
    let home = GnupgHome::new();
    let ours = KeyPair::generate();
    home.import(&ours.private());
    let message = home.gpg(&["--encrypt", "--recipient", KeyPair::EMAIL], b"ours");
    assert_eq!(home.decrypt(&message, ""), b"ours");
    let (private, public) = home.generate("theirs@example.org", "rsa2048", "hunter22");
    assert!(fs::read_to_string(private).unwrap().contains("PRIVATE KEY"));
    assert!(fs::read_to_string(public).unwrap().contains("PUBLIC KEY"));
    let message = home.gpg(&["--encrypt", "--recipient", "theirs@example.org"], b"theirs");
    assert_eq!(home.decrypt(&message, "hunter22"), b"theirs");
    let socket = home.path().join("S.gpg-agent");
    assert!(socket.exists());
    drop(home);
    assert!(!socket.exists());
}

#[test]
fn a_small_disk_is_soon_full() {
    let disk = SmallDisk::of(256 * 1024);
    fs::write(disk.path().join("fits"), vec![0; 100 * 1024]).unwrap();
    let error = fs::write(disk.path().join("does-not"), vec![0; 300 * 1024]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    let path = disk.path().to_owned();
    drop(disk);
    assert!(!fs::read_to_string("/proc/mounts").unwrap().contains(path.to_str().unwrap()));
}

#[tokio::test]
async fn a_secret_in_a_process_list_is_seen_and_others_are_not() {
    let secrets = ["in-argv-hunter22", "in-environment-hunter22", "on-stdin-hunter22"];
    let work = async {
        let mut child = tokio::process::Command::new("sh")
            .args(["-c", "sleep 3; :", "sh", secrets[0]])
            .env("PASSWORD", secrets[1])
            .spawn()
            .unwrap();
        child.wait().await.unwrap();
    };
    let ((), seen, looked_at) = secrets_in_proc(&secrets, work).await;
    assert!(seen.iter().any(|sighting| sighting.secret == 0 && sighting.file == "cmdline"), "{seen:?}");
    assert!(seen.iter().any(|sighting| sighting.secret == 1 && sighting.file == "environ"), "{seen:?}");
    assert!(!seen.iter().any(|sighting| sighting.secret == 2), "{seen:?}");
    assert!(looked_at >= 2);
}
