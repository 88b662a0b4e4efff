use bahub_core::sink::{CommitError, Encoding, Sink, SinkErrorKind};
use bahub_testkit::backup_repository::{Fault, Limits, Refusal};
use serde_json::json;

use super::{armoured, server, with_token};
use crate::support::{fetch, new_version, store};

#[tokio::test]
async fn what_was_committed_is_read_back_whatever_its_size() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    assert_eq!(sink.encoding(), Encoding::Armoured);
    for (number, size) in [0, 1, 4096, 8192, 9_000, 73_000, 3 << 20].into_iter().enumerate() {
        let message = armoured(size);
        let receipt = store(&sink, &message).await.unwrap();
        assert_eq!((receipt.version.0, receipt.size), (number as u64 + 1, message.len() as u64));
        assert_eq!(fetch(&sink, receipt.version).await.unwrap(), message);
    }
    assert_eq!(sink.list().await.unwrap().len(), 7);
}

#[tokio::test]
async fn a_message_that_comes_in_single_bytes_is_accepted() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    let message = armoured(20_000);
    let mut upload = sink.begin(&new_version()).await.unwrap();
    for index in 0..message.len() {
        upload.write(message.slice(index..=index)).await.unwrap();
    }
    upload.commit().await.unwrap();
    assert_eq!(server.versions("shop")[0].data(), message);
}

#[tokio::test]
async fn an_aborted_or_dropped_upload_registers_nothing_even_with_a_footer() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    for abort in [true, false] {
        let mut upload = sink.begin(&new_version()).await.unwrap();
        upload.write(armoured(1 << 20)).await.unwrap();
        server.upload_reached("shop", 1 << 19).await;
        if abort {
            upload.abort().await.unwrap();
        } else {
            drop(upload);
        }
        server.upload_over("shop").await;
        assert!(server.versions("shop").is_empty());
    }
    store(&sink, &armoured(10)).await.unwrap();
}

#[tokio::test]
async fn a_reset_at_every_tenth_of_the_body_fails_and_registers_nothing() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    let message = armoured(64 << 20);
    for tenth in 0..10 {
        server.misbehave(Fault::reset_upload_after(message.len() as u64 * tenth / 10));
        let Err(CommitError::Refused(error)) = store(&sink, &message).await else { panic!("tenth {tenth}") };
        assert_eq!(error.kind(), SinkErrorKind::Unreachable, "{error}");
        assert!(error.to_string().contains("broke after "), "{error}");
        server.upload_over("shop").await;
        assert!(server.versions("shop").is_empty());
    }
    assert_eq!(store(&sink, &message).await.unwrap().version.0, 1);
}

#[tokio::test]
async fn an_answer_in_the_middle_of_the_body_is_shown_in_the_servers_words() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    let message = armoured(32 << 20);
    for (refusal, kind, words) in [
        (Refusal::Unauthorized, SinkErrorKind::Unauthorized, "401 signature is invalid"),
        (Refusal::Forbidden, SinkErrorKind::Forbidden, "403 not authorized to upload versions"),
        (Refusal::TookTooLong, SinkErrorKind::Stalled, "408 Request took too long"),
        (Refusal::TooManyRequests, SinkErrorKind::Refused, "429 Too many requests"),
        (Refusal::ServerError, SinkErrorKind::Refused, "500 cannot upload version. storage error"),
    ] {
        for at in [None, Some(0), Some(1 << 20)] {
            server.misbehave(match at {
                None => Fault::refuse(refusal).on(bahub_testkit::backup_repository::Operation::Upload),
                Some(at) => Fault::refuse_upload_after(refusal, at),
            });
            let Err(CommitError::Refused(error)) = store(&sink, &message).await else { panic!("{refusal:?} {at:?}") };
            assert!(error.to_string().contains(words), "{at:?}: {error}");
            assert_eq!(error.kind(), kind);
            server.upload_over("shop").await;
        }
    }
    assert!(server.versions("shop").is_empty());
}

#[tokio::test]
async fn a_server_that_takes_no_more_bytes_is_given_up_after_the_stall_timeout() {
    let server = server().await;
    let sink = with_token(&server, json!({"stall_timeout": 0.3}));
    server.misbehave(Fault::stall_upload_after(1 << 20));
    let Err(CommitError::Refused(error)) = store(&sink, &armoured(32 << 20)).await else { panic!("it stalls") };
    assert_eq!(error.kind(), SinkErrorKind::Stalled);
    assert!(error.to_string().contains("accepted no more data for 0.3 s"), "{error}");
    assert!(server.versions("shop").is_empty());
}

#[tokio::test]
async fn a_server_that_never_answers_leaves_the_outcome_unknown() {
    let server = server().await;
    let sink = with_token(&server, json!({"answer_timeout": 3}));
    let mut upload = sink.begin(&new_version()).await.unwrap();
    server.misbehave(Fault::stall_upload_after(100));
    upload.write(armoured(1000)).await.unwrap();
    let Err(CommitError::Unknown(error)) = upload.commit().await else { panic!("it may still register it") };
    assert_eq!(error.kind(), SinkErrorKind::Stalled);
}

#[tokio::test]
async fn a_producer_that_is_silent_longer_than_the_stall_timeout_does_no_harm() {
    let server = server().await;
    let sink = with_token(&server, json!({"stall_timeout": 0.05, "answer_timeout": 5}));
    let message = armoured(100_000);
    let mut upload = sink.begin(&new_version()).await.unwrap();
    upload.write(message.slice(..90_000)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    upload.write(message.slice(90_000..)).await.unwrap();
    upload.commit().await.unwrap();
}

#[tokio::test]
async fn a_200_without_a_version_is_no_commit() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    server.misbehave(Fault::accept_without_registering());
    let Err(CommitError::Refused(error)) = store(&sink, &armoured(1000)).await else { panic!("nothing is listed") };
    assert!(error.to_string().contains("200") && error.to_string().contains("did not register it"), "{error}");
}

#[tokio::test]
async fn a_version_of_another_size_is_no_commit() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    server.misbehave(Fault::store_only(100));
    let Err(CommitError::Unknown(error)) = store(&sink, &armoured(1000)).await else { panic!("it was cut") };
    assert_eq!(error.kind(), SinkErrorKind::Corrupt);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_looked_up() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    server.put_version("shop", b"older");
    server.misbehave(Fault::lose_answer());
    let receipt = store(&sink, &armoured(1000)).await.unwrap();
    assert_eq!(receipt.version.0, 2);
}

#[tokio::test]
async fn an_answer_that_was_lost_and_cannot_be_looked_up_is_unknown() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    let mut upload = sink.begin(&new_version()).await.unwrap();
    server.misbehave(Fault::lose_answer());
    server.misbehave(Fault::reset().on(bahub_testkit::backup_repository::Operation::List).always());
    upload.write(armoured(1000)).await.unwrap();
    assert!(matches!(upload.commit().await, Err(CommitError::Unknown(_))));
}

#[tokio::test]
async fn a_lost_answer_without_a_version_is_refused() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    let message = armoured(1000);
    server.misbehave(Fault::reset_upload_after(message.len() as u64));
    assert!(matches!(store(&sink, &message).await, Err(CommitError::Refused(_))));
    assert!(server.versions("shop").is_empty());
}

#[tokio::test]
async fn a_second_upload_at_the_same_time_is_refused_and_does_not_harm_the_first_one() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    let message = armoured(1 << 20);
    let mut first = sink.begin(&new_version()).await.unwrap();
    first.write(message.clone()).await.unwrap();
    server.upload_reached("shop", 1).await;
    let Err(CommitError::Refused(error)) = store(&sink, &message).await else { panic!("the collection is locked") };
    assert!(error.to_string().contains("cannot upload to same collection in parallel"), "{error}");
    assert_eq!(first.commit().await.unwrap().version.0, 1);
}

#[tokio::test]
async fn a_closed_window_and_a_limit_are_reported() {
    let server = server().await;
    let sink = with_token(&server, json!({}));
    server.set_window("shop", false);
    let Err(CommitError::Refused(error)) = store(&sink, &armoured(10)).await else { panic!("the window is closed") };
    assert_eq!(error.kind(), SinkErrorKind::Forbidden);
    assert!(error.help().unwrap().contains("window"));
    server.add_collection("shop", Limits { max_version_bytes: 1000, ..Limits::default() });
    let Err(CommitError::Refused(error)) = store(&sink, &armoured(8 << 20)).await else { panic!("it is too large") };
    assert!(error.to_string().contains("filesize reached allowed limit"), "{error}");
}
