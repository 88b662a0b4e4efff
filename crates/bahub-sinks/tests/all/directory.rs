//! Claims about versions in a directory.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use crate::support::{directory, fetch, names, new_version, noise, store};
use bahub_core::sink::{Sink, SinkErrorKind, VersionNumber};
use futures::future::join_all;

#[tokio::test]
async fn what_was_committed_is_read_back_whatever_its_size() {
    let root = tempfile::tempdir().unwrap();
    let sink = directory(root.path(), "shop");
    for (number, size) in
        [0, 1, (512 << 10) - 1, 512 << 10, (512 << 10) + 1, 3 << 20, 5_000_001].into_iter().enumerate()
    {
        let message = noise(size);
        let receipt = store(&sink, &message).await.unwrap();
        assert_eq!((receipt.version.0, receipt.size), (number as u64 + 1, size as u64));
        assert_eq!(fetch(&sink, receipt.version).await.unwrap(), message);
    }
    let listed = sink.list().await.unwrap();
    assert_eq!(listed.iter().map(|version| version.number.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn an_empty_collection_lists_nothing_and_names_what_is_missing() {
    let root = tempfile::tempdir().unwrap();
    let sink = directory(&root.path().join("later"), "shop");
    assert!(sink.list().await.unwrap().is_empty());
    let error = sink.open(VersionNumber(3)).await.unwrap_err();
    assert_eq!(error.kind(), SinkErrorKind::NotFound);
    assert!(error.to_string().contains("v3") && error.help().unwrap().contains("mounted"), "{error}");
}

#[tokio::test]
async fn files_and_folders_are_their_owners_alone() {
    let root = tempfile::tempdir().unwrap();
    let sink = directory(&root.path().join("made"), "shop");
    store(&sink, &noise(10)).await.unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = root.path().join("made/shop");
    assert_eq!(mode(&folder), 0o700);
    for name in names(&folder) {
        assert_eq!(mode(&folder.join(&name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn an_upload_is_invisible_and_unmistakable_until_its_commit() {
    let root = tempfile::tempdir().unwrap();
    let sink = directory(root.path(), "shop");
    let mut upload = sink.begin(&new_version()).await.unwrap();
    upload.write(noise(3 << 20)).await.unwrap();
    assert!(sink.list().await.unwrap().is_empty());
    let [name] = &names(&root.path().join("shop"))[..] else { panic!("one file") };
    assert!(name.starts_with('.') && name.ends_with(".part"), "{name}");
    upload.commit().await.unwrap();
    assert_eq!(sink.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_aborted_or_dropped_upload_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let sink = directory(root.path(), "shop");
    for abort in [true, false] {
        let mut upload = sink.begin(&new_version()).await.unwrap();
        upload.write(noise(3 << 20)).await.unwrap();
        if abort {
            upload.abort().await.unwrap();
        } else {
            drop(upload);
        }
        assert!(names(&root.path().join("shop")).is_empty());
    }
    assert!(sink.list().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_commits_get_distinct_consecutive_numbers() {
    let root = tempfile::tempdir().unwrap();
    let stores: Vec<_> = (0..40).map(|_| directory(root.path(), "shop")).collect();
    let messages: Vec<_> = (0..40).map(|index| noise(1000 + index)).collect();
    let receipts = join_all(stores.iter().zip(&messages).map(|(sink, message)| store(sink, message))).await;
    let mut numbers = Vec::new();
    for (receipt, message) in receipts.into_iter().zip(&messages) {
        let receipt = receipt.unwrap();
        assert_eq!(&fetch(&stores[0], receipt.version).await.unwrap(), message);
        numbers.push(receipt.version.0);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    assert_eq!(names(&root.path().join("shop")).len(), 80, "no temporary file is left");
}

#[tokio::test]
async fn a_taken_number_is_never_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let sink = directory(root.path(), "shop");
    store(&sink, &noise(10)).await.unwrap();
    // Damaged, yet in use.
    fs::write(root.path().join("shop/v000007.json"), "{").unwrap();
    assert_eq!(store(&sink, &noise(11)).await.unwrap().version.0, 8);
    assert_eq!(fs::read_to_string(root.path().join("shop/v000007.json")).unwrap(), "{");
}

#[tokio::test]
async fn a_damaged_version_file_is_listed_as_such_hides_no_other_and_is_named_when_opened() {
    let root = tempfile::tempdir().unwrap();
    let sink = directory(root.path(), "shop");
    for size in [10, 11, 12] {
        store(&sink, &noise(size)).await.unwrap();
    }
    fs::write(root.path().join("shop/v000002.json"), "{\"bahub\": 1").unwrap();
    fs::write(root.path().join("shop/notes.txt"), "a stranger").unwrap();
    let listed = sink.list().await.unwrap();
    let damaged: Vec<_> = listed.iter().map(|version| (version.number.0, version.damage.is_some())).collect();
    assert_eq!(damaged, [(1, false), (2, true), (3, false)]);
    let error = sink.open(VersionNumber(2)).await.unwrap_err();
    assert_eq!(error.kind(), SinkErrorKind::Corrupt);
    assert!(error.to_string().contains("v000002.json"), "{error}");
}

#[tokio::test]
async fn every_damaged_message_is_detected_by_its_size_or_its_sha_256() {
    let root = tempfile::tempdir().unwrap();
    let sink = directory(root.path(), "shop");
    let message = noise(1_300_000);
    let receipt = store(&sink, &message).await.unwrap();
    for position in (0..message.len()).step_by(99_991) {
        let mut damaged = message.to_vec();
        damaged[position] ^= 1 << (position % 8);
        fs::write(&receipt.location, damaged).unwrap();
        let error = fetch(&sink, receipt.version).await.unwrap_err();
        assert_eq!(error.kind(), SinkErrorKind::Corrupt, "{position}");
    }
    for length in [0, 1, 512 << 10, message.len() - 1] {
        fs::write(&receipt.location, &message[..length]).unwrap();
        assert_eq!(fetch(&sink, receipt.version).await.unwrap_err().kind(), SinkErrorKind::Corrupt);
    }
    fs::write(&receipt.location, [&message[..], b"x"].concat()).unwrap();
    assert_eq!(fetch(&sink, receipt.version).await.unwrap_err().kind(), SinkErrorKind::Corrupt);
    fs::remove_file(&receipt.location).unwrap();
    assert!(fetch(&sink, receipt.version).await.unwrap_err().to_string().contains("v1 is missing"));
}

#[tokio::test]
async fn a_removed_version_is_gone_with_its_message() {
    let root = tempfile::tempdir().unwrap();
    let sink = directory(root.path(), "shop");
    let receipt = store(&sink, &noise(10)).await.unwrap();
    sink.remove(receipt.version).await.unwrap();
    assert!(names(&root.path().join("shop")).is_empty());
    assert_eq!(sink.remove(receipt.version).await.unwrap_err().kind(), SinkErrorKind::NotFound);
}

#[tokio::test]
async fn orphans_are_files_older_than_a_day_that_no_version_names() {
    let root = tempfile::tempdir().unwrap();
    let sink = directory(root.path(), "shop");
    store(&sink, &noise(10)).await.unwrap();
    let folder = root.path().join("shop");
    let old = SystemTime::now() - Duration::from_secs(25 * 3600);
    for (name, age) in [(".a.part", old), ("a.pgp", old), ("young.pgp", SystemTime::now())] {
        fs::write(folder.join(name), "x").unwrap();
        fs::File::options().write(true).open(folder.join(name)).unwrap().set_modified(age).unwrap();
    }
    let found = |orphans: Vec<bahub_core::sink::Orphan>| {
        let mut names: Vec<_> = orphans.iter().map(|o| o.location.rsplit('/').next().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(found(sink.orphans().await.unwrap()), [".a.part", "a.pgp"]);
    // It may have referred to a.pgp.
    fs::write(folder.join("v000009.json"), "").unwrap();
    assert_eq!(found(sink.orphans().await.unwrap()), [".a.part"]);
}

#[tokio::test]
async fn the_identity_of_a_place_is_one_however_it_is_spelt() {
    let root = tempfile::tempdir().unwrap();
    let linked = root.path().join("link");
    std::os::unix::fs::symlink(root.path(), &linked).unwrap();
    assert_eq!(directory(root.path(), "shop").identity(), directory(&linked, "shop").identity());
    assert_ne!(directory(root.path(), "shop").identity(), directory(root.path(), "other").identity());
}
