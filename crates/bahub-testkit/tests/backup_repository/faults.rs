use std::{error::Error, io, time::Duration};

use bahub_testkit::backup_repository::{Fault, Limits, Operation, Refusal, Settings};
use futures::StreamExt;
use reqwest::StatusCode;
use tokio::time::timeout;

use crate::client::{MESSAGE, endless, long_body, long_message, world, world_with};

const SOON: Duration = Duration::from_secs(20);
/// Long enough to distinguish silence from an answer.
const SILENCE: Duration = Duration::from_millis(300);

/// Looks for a reset (or the error of writing after one) in the chain of causes.
fn is_reset(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(kind, Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[tokio::test]
async fn an_upload_is_reset_in_mid_body() {
    let world = world().await;
    for at in [0, 1, 1 << 20] {
        world.server.misbehave(Fault::reset_upload_after(at));
        let error = timeout(SOON, world.upload_to("shop", long_body(4)).send()).await.unwrap().unwrap_err();
        assert!(is_reset(&error), "{error:?}");
        world.server.upload_over("shop").await;
        assert!(world.server.versions("shop").is_empty());
    }
    assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn every_refusal_has_its_status_before_and_in_mid_body() {
    let world = world().await;
    for (refusal, status) in [
        (Refusal::Unauthorized, 401),
        (Refusal::Forbidden, 403),
        (Refusal::TookTooLong, 408),
        (Refusal::TooManyRequests, 429),
        (Refusal::ServerError, 500),
    ] {
        world.server.misbehave(Fault::refuse(refusal).on(Operation::Upload));
        assert_eq!(world.upload(MESSAGE).await.status().as_u16(), status);
        world.server.misbehave(Fault::refuse_upload_after(refusal, 10));
        let answer = timeout(SOON, world.upload(endless(&[MESSAGE]))).await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
    }
    assert!(world.server.versions("shop").is_empty());
}

#[tokio::test]
async fn a_fault_happens_once_or_a_number_of_times_or_always() {
    let world = world().await;
    let upload = async || world.upload(MESSAGE).await.status().as_u16();
    world.server.misbehave(Fault::refuse(Refusal::TooManyRequests));
    assert_eq!([upload().await, upload().await], [429, 200]);
    world.server.misbehave(Fault::refuse(Refusal::TooManyRequests).times(2));
    assert_eq!([upload().await, upload().await, upload().await], [429, 429, 200]);
    world.server.misbehave(Fault::refuse(Refusal::TooManyRequests).always());
    assert_eq!([upload().await, upload().await], [429, 429]);
    world.server.behave();
    assert_eq!(upload().await, 200);
}

#[tokio::test]
async fn a_fault_of_one_operation_leaves_the_others_alone() {
    let world = world().await;
    world.server.misbehave(Fault::refuse(Refusal::ServerError).on(Operation::List).always());
    assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
    let list = world.get("/api/stable/repository/collection/shop/version").send().await.unwrap();
    assert_eq!(list.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_stalled_upload_never_ends_and_lets_others_upload() {
    let world = world().await;
    world.server.misbehave(Fault::stall_upload_after(1 << 20));
    let sending = tokio::spawn(world.upload_to("shop", long_body(64)).send());
    assert!(timeout(SILENCE, sending).await.is_err());
    assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
    assert_eq!(world.listed().await, [(1, MESSAGE.len() as u64)]);
}

#[tokio::test]
async fn a_request_can_stall_or_be_reset_before_it_is_read() {
    let world = world().await;
    world.server.misbehave(Fault::stall().on(Operation::List));
    let list = || world.get("/api/stable/repository/collection/shop/version").send();
    assert!(timeout(SILENCE, list()).await.is_err());
    world.server.misbehave(Fault::reset());
    assert!(is_reset(&timeout(SOON, list()).await.unwrap().unwrap_err()));
    assert_eq!(list().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_200_may_come_without_a_version_and_still_rotates() {
    let world = world_with(Settings::quick(), Limits { max_versions: 1, ..Limits::default() }).await;
    world.upload(MESSAGE).await;
    world.server.misbehave(Fault::accept_without_registering());
    assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
    assert_eq!(world.listed().await, []);
}

#[tokio::test]
async fn a_200_may_come_for_a_version_that_is_too_short() {
    let world = world().await;
    world.server.misbehave(Fault::store_only(10));
    assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
    assert_eq!(world.listed().await, [(1, 10)]);
    assert_eq!(world.server.versions("shop")[0].data().len(), 10);
}

#[tokio::test]
async fn an_answer_may_be_lost_after_the_version_was_registered() {
    let world = world().await;
    world.server.misbehave(Fault::lose_answer());
    assert!(timeout(SOON, world.upload_to("shop", MESSAGE).send()).await.unwrap().is_err());
    assert_eq!(world.listed().await, [(1, MESSAGE.len() as u64)]);
    assert_eq!(world.server.requests()[0].status, None);
}

#[tokio::test]
async fn a_download_may_end_early_or_be_reset() {
    let world = world().await;
    let message = long_message(4).concat();
    world.server.put_version("shop", message.as_bytes());
    for fault in [Fault::truncate_download_after(1 << 20), Fault::reset_download_after(1 << 20)] {
        world.server.misbehave(fault);
        let answer = world.download("1").send().await.unwrap();
        assert_eq!(answer.content_length(), Some(message.len() as u64));
        assert!(timeout(SOON, answer.bytes()).await.unwrap().is_err());
    }
    assert_eq!(world.download("1").send().await.unwrap().text().await.unwrap(), message);
}

#[tokio::test]
async fn a_truncated_download_brings_exactly_the_bytes_before_the_cut() {
    let world = world().await;
    world.server.put_version("shop", MESSAGE.as_bytes());
    world.server.misbehave(Fault::truncate_download_after(20));
    let mut body = world.download("1").send().await.unwrap().bytes_stream();
    let mut received = Vec::new();
    while let Some(Ok(piece)) = body.next().await {
        received.extend_from_slice(&piece);
    }
    assert_eq!(received, &MESSAGE.as_bytes()[..20]);
}

#[tokio::test]
async fn a_download_may_stall() {
    let world = world().await;
    world.server.put_version("shop", MESSAGE.as_bytes());
    world.server.misbehave(Fault::stall_download_after(20));
    let mut body = world.download("1").send().await.unwrap().bytes_stream();
    assert_eq!(body.next().await.unwrap().unwrap(), &MESSAGE.as_bytes()[..20]);
    assert!(timeout(SILENCE, body.next()).await.is_err());
}

#[tokio::test]
async fn a_download_may_bring_a_wrong_byte() {
    let world = world().await;
    let message = long_message(1).concat().into_bytes();
    world.server.put_version("shop", &message);
    world.server.misbehave(Fault::corrupt_download_at(300_000));
    let received = world.download("1").send().await.unwrap().bytes().await.unwrap();
    let wrong: Vec<usize> = (0..message.len()).filter(|at| message[*at] != received[*at]).collect();
    assert_eq!((received.len(), wrong), (message.len(), vec![300_000]));
}
