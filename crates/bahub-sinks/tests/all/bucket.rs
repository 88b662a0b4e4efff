//! Claims about versions in a bucket, against a real S3 server.

use std::fs;
use std::time::{Duration, SystemTime};

use bahub_core::registry::Component;
use bahub_core::sink::{CommitError, Sink, SinkError, SinkErrorKind, VersionNumber};
use bahub_sinks::store::{Bucket, DirectoryConfig};
use futures::future::join_all;
use hyper::Method;
use serde_json::{Value, json};

use crate::support::s3::{Effect, FULL, GUARDED, S3Server, WRITER};
use crate::support::{context, fetch, names, new_version, noise, store};

const PART: usize = 8 << 20;

fn numbers(versions: &[bahub_core::sink::Version]) -> Vec<u64> {
    versions.iter().map(|version| version.number.0).collect()
}

#[tokio::test]
async fn what_was_committed_is_read_back_whatever_its_size() {
    let server = S3Server::start().await;
    let sink = server.sink(FULL, json!({}));
    for (number, size) in [0, 1, PART - 1, PART, PART + 1, 3 * PART + 17].into_iter().enumerate() {
        let message = noise(size);
        let receipt = store(&sink, &message).await.unwrap();
        assert_eq!((receipt.version.0, receipt.size), (number as u64 + 1, size as u64));
        assert_eq!(fetch(&sink, receipt.version).await.unwrap(), message);
    }
    assert_eq!(numbers(&sink.list().await.unwrap()), [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn keys_that_may_only_put_objects_can_make_backups() {
    let server = S3Server::start().await;
    let sink = server.sink(WRITER, json!({}));
    let before = jiff::Timestamp::now().as_second() as u64;
    for size in [100, 2 * PART + 1] {
        let message = noise(size);
        let receipt = store(&sink, &message).await.unwrap();
        assert!(receipt.version.0 >= before, "the number is the time");
        assert_eq!(fetch(&server.sink(FULL, json!({})), receipt.version).await.unwrap(), message);
    }
    assert!(server.denied().iter().all(|operation| operation.starts_with("ListObjects")), "{:?}", server.denied());
    assert_eq!(sink.list().await.unwrap_err().kind(), SinkErrorKind::Forbidden);
}

#[tokio::test]
async fn write_only_keys_that_may_overwrite_a_version_give_a_warning() {
    let server = S3Server::start().await;
    for (user, warned) in [(WRITER, true), (GUARDED, false), (FULL, false)] {
        let receipt = store(&server.sink(user, json!({})), &noise(100)).await.unwrap();
        assert_eq!(receipt.warnings.iter().any(|warning| warning.contains("may overwrite")), warned, "{user}");
        let read = fetch(&server.sink(FULL, json!({})), receipt.version).await.unwrap();
        assert_eq!(read, noise(100), "the trial harmed nothing");
    }
}

#[tokio::test]
async fn keys_that_may_not_abort_leave_parts_and_no_object() {
    let server = S3Server::start().await;
    let mut upload = server.sink(WRITER, json!({})).begin(&new_version()).await.unwrap();
    upload.write(noise(3 * PART)).await.unwrap();
    upload.abort().await.unwrap();
    assert!(server.denied().contains(&"AbortMultipartUpload".to_owned()));
    assert!(names(&server.objects()).is_empty());
}

#[tokio::test]
async fn an_aborted_or_dropped_upload_leaves_nothing() {
    let server = S3Server::start().await;
    let sink = server.sink(FULL, json!({}));
    for abort in [true, false] {
        let mut upload = sink.begin(&new_version()).await.unwrap();
        upload.write(noise(3 * PART)).await.unwrap();
        if abort {
            upload.abort().await.unwrap();
        } else {
            drop(upload);
            while server.operations().iter().filter(|name| *name == "AbortMultipartUpload").count() < 2 {
                tokio::task::yield_now().await;
            }
        }
        assert!(names(&server.objects()).is_empty());
    }
    assert!(sink.list().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_commits_get_distinct_consecutive_numbers() {
    let server = S3Server::start().await;
    let sinks: Vec<_> = (0..12).map(|_| server.sink(FULL, json!({}))).collect();
    let messages: Vec<_> = (0..12).map(|index| noise(1000 + index)).collect();
    let receipts = join_all(sinks.iter().zip(&messages).map(|(sink, message)| store(sink, message))).await;
    let mut numbers = Vec::new();
    for (receipt, message) in receipts.into_iter().zip(&messages) {
        let receipt = receipt.unwrap();
        assert_eq!(&fetch(&sinks[0], receipt.version).await.unwrap(), message);
        numbers.push(receipt.version.0);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_looked_up() {
    let server = S3Server::start().await;
    let sink = server.sink(FULL, json!({}));
    server.misbehave(Effect::LoseAnswer, Method::PUT, ".json");
    assert_eq!(store(&sink, &noise(10)).await.unwrap().version.0, 1);
    assert_eq!(numbers(&sink.list().await.unwrap()), [1]);
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_and_cannot_be_looked_up_is_unknown() {
    let server = S3Server::start().await;
    server.misbehave(Effect::LoseAnswer, Method::PUT, ".json");
    let outcome = store(&server.sink(WRITER, json!({})), &noise(10)).await;
    assert!(matches!(outcome, Err(CommitError::Unknown(_))), "{outcome:?}");
    assert_eq!(server.sink(FULL, json!({})).list().await.unwrap().len(), 1, "and it was committed once");
}

#[tokio::test]
async fn a_busy_store_is_tried_again_at_every_step() {
    let server = S3Server::start().await;
    for user in [FULL, WRITER] {
        for (method, part) in [
            (Method::PUT, ".json"),
            (Method::PUT, "partNumber=2"),
            (Method::POST, "uploads"),
            (Method::POST, "uploadId"),
        ] {
            server.misbehave(Effect::Busy, method, part);
        }
        let message = noise(2 * PART + 1);
        let receipt = store(&server.sink(user, json!({})), &message).await.unwrap();
        assert_eq!(fetch(&server.sink(FULL, json!({})), receipt.version).await.unwrap(), message);
    }
}

#[tokio::test]
async fn a_silent_store_is_given_up_whatever_it_was_asked_for() {
    let server = S3Server::start().await;
    let sink = server.sink(FULL, json!({"stall_timeout": 2}));
    let version = store(&server.sink(FULL, json!({})), &noise(100)).await.unwrap().version;
    let stalled = |error: &SinkError| assert_eq!(error.kind(), SinkErrorKind::Stalled, "{error}");
    server.misbehave(Effect::Silent, Method::GET, "list-type");
    stalled(&sink.list().await.unwrap_err());
    server.misbehave(Effect::Silent, Method::GET, ".json");
    stalled(&sink.open(version).await.unwrap_err());
    server.misbehave(Effect::Silent, Method::GET, ".pgp");
    stalled(&sink.open(version).await.unwrap_err());
    server.misbehave(Effect::Silent, Method::DELETE, ".json");
    stalled(&sink.remove(version).await.unwrap_err());
    // Abort and look-up get no answer either: the commit's own timeout is reported.
    for (method, part) in [(Method::PUT, ".pgp"), (Method::HEAD, ".pgp"), (Method::DELETE, ".pgp")] {
        server.misbehave(Effect::Silent, method, part);
    }
    let outcome = store(&sink, &noise(100)).await;
    assert!(
        matches!(&outcome, Err(CommitError::Refused(error)) if error.kind() == SinkErrorKind::Stalled),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_message_whose_last_answer_was_lost_is_whole() {
    let server = S3Server::start().await;
    let sink = server.sink(FULL, json!({}));
    for (size, method, part) in [(10, Method::PUT, ".pgp"), (2 * PART, Method::POST, "uploadId")] {
        server.misbehave(Effect::LoseAnswer, method, part);
        let message = noise(size);
        let receipt = store(&sink, &message).await.unwrap();
        assert_eq!(fetch(&sink, receipt.version).await.unwrap(), message);
    }
}

#[tokio::test]
async fn every_damaged_message_is_detected_by_its_size_or_its_sha_256() {
    let server = S3Server::start().await;
    let sink = server.sink(FULL, json!({}));
    let message = noise(300_000);
    let receipt = store(&sink, &message).await.unwrap();
    let file = server.objects().join(receipt.location.rsplit('/').next().unwrap());
    for position in [0, 1, 150_000, 299_999] {
        let mut damaged = message.to_vec();
        damaged[position] ^= 1;
        fs::write(&file, damaged).unwrap();
        assert_eq!(fetch(&sink, receipt.version).await.unwrap_err().kind(), SinkErrorKind::Corrupt, "{position}");
    }
    for damaged in [&message[..0], &message[..299_999], &[&message[..], b"x"].concat()] {
        fs::write(&file, damaged).unwrap();
        let error = fetch(&sink, receipt.version).await.unwrap_err();
        assert_eq!(error.kind(), SinkErrorKind::Corrupt, "{}: {error}", damaged.len());
    }
    fs::remove_file(&file).unwrap();
    assert!(fetch(&sink, receipt.version).await.unwrap_err().to_string().contains("v1 is missing"));
}

#[tokio::test]
async fn a_damaged_version_file_is_listed_as_such_and_is_never_overwritten() {
    let server = S3Server::start().await;
    let sink = server.sink(FULL, json!({}));
    for size in [10, 11] {
        store(&sink, &noise(size)).await.unwrap();
    }
    fs::write(server.objects().join("v000002.json"), "{").unwrap();
    let listed = sink.list().await.unwrap();
    assert_eq!(numbers(&listed), [1, 2]);
    assert!(listed[0].damage.is_none() && listed[1].damage.as_ref().unwrap().contains("v000002.json is damaged"));
    assert!(sink.open(VersionNumber(2)).await.unwrap_err().to_string().contains("v000002.json is damaged"));
    assert_eq!(store(&sink, &noise(12)).await.unwrap().version.0, 3);
}

#[tokio::test]
async fn a_removed_version_is_gone_with_its_message() {
    let server = S3Server::start().await;
    let sink = server.sink(FULL, json!({}));
    let receipt = store(&sink, &noise(10)).await.unwrap();
    sink.remove(receipt.version).await.unwrap();
    assert!(names(&server.objects()).is_empty());
    assert_eq!(sink.remove(receipt.version).await.unwrap_err().kind(), SinkErrorKind::NotFound);
}

#[tokio::test]
async fn orphans_are_files_older_than_a_day_that_no_version_names() {
    let server = S3Server::start().await;
    let sink = server.sink(FULL, json!({}));
    store(&sink, &noise(10)).await.unwrap();
    let old = SystemTime::now() - Duration::from_secs(25 * 3600);
    for (name, age) in [("a.pgp", old), ("young.pgp", SystemTime::now())] {
        let file = server.objects().join(name);
        fs::write(&file, "x").unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(age).unwrap();
    }
    let orphans = sink.orphans().await.unwrap();
    let found: Vec<_> = orphans.iter().map(|orphan| orphan.location.as_str()).collect();
    assert_eq!(found, ["s3://bucket/pre/fix/shop/a.pgp"]);
}

#[tokio::test]
async fn wrong_keys_and_a_missing_bucket_are_reported_before_anything_is_produced() {
    let server = S3Server::start().await;
    for (more, kind) in [
        (json!({"secret_access_key": "wronghunter2"}), SinkErrorKind::Unauthorized),
        (json!({"access_key_id": "nobody"}), SinkErrorKind::Unauthorized),
        (json!({"url": "s3://nowhere/x"}), SinkErrorKind::NotFound),
    ] {
        let sink = server.sink(FULL, more.clone());
        let Err(error) = sink.begin(&new_version()).await else { panic!("{more}") };
        assert_eq!(error.kind(), kind, "{more}: {error}");
        assert!(error.help().is_some());
        assert!(!format!("{error:?} {sink:?} {}", error.chain()).contains("hunter2"));
    }
}

#[tokio::test]
async fn parts_of_one_size_are_possible() {
    let server = S3Server::start().await;
    let sink = server.sink(FULL, json!({"part_size_mib": 5, "checksum": false}));
    let message = noise(12 << 20);
    let receipt = store(&sink, &message).await.unwrap();
    assert_eq!(server.operations().iter().filter(|name| *name == "UploadPart").count(), 3);
    assert_eq!(fetch(&sink, receipt.version).await.unwrap(), message);
}

#[test]
fn all_configuration_errors_are_reported_at_once() {
    let pointers = |config: Value| -> Vec<String> {
        let errors = Bucket::from_config(serde_json::from_value(config).unwrap(), &context("shop")).unwrap_err();
        errors.into_iter().map(|error| error.pointer).collect()
    };
    assert_eq!(
        pointers(json!({"url": "s3://", "endpoint": "nope", "access_key_id": "x", "ca_file": "/none"})),
        ["/url", "/endpoint", "/access_key_id", "/ca_file"]
    );
    let wrong = serde_json::from_value::<DirectoryConfig>(json!({"url": "file:///x", "region": "r"})).unwrap_err();
    assert!(wrong.to_string().contains("unknown field `region`"), "{wrong}");
}
