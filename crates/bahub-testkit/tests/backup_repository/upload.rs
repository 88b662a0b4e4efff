use std::time::{Duration, Instant};

use bahub_testkit::backup_repository::Settings;
use reqwest::{Body, StatusCode};
use serde_json::Value;

use crate::client::{MESSAGE, broken, chunks, endless, long_body, long_message, refusal, world, world_with};

#[tokio::test]
async fn a_raw_body_becomes_a_version() {
    let world = world().await;
    let answer = world.upload(MESSAGE).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    let version = &answer["data"]["version"];
    assert_eq!((&version["versionNumber"], &version["collectionId"]), (&1.into(), &"shop".into()));
    for field in ["id", "filename", "filesize", "user", "uploadedBySessionId", "CreatedAt", "UpdatedAt"] {
        assert!(!version[field].is_null(), "{field} is missing in {version}");
    }
    assert!(version["DeletedAt"].is_null());
    assert_eq!(world.listed().await, [(1, MESSAGE.len() as u64)]);
    assert_eq!(world.server.versions("shop")[0].data(), MESSAGE.as_bytes());
}

#[tokio::test]
async fn a_long_chunked_body_arrives_whole() {
    let world = world().await;
    assert_eq!(world.upload(long_body(8)).await.status(), StatusCode::OK);
    assert_eq!(world.server.versions("shop")[0].data(), long_message(8).concat().into_bytes());
}

#[tokio::test]
async fn the_first_chunk_must_hold_the_whole_header() {
    let world = world().await;
    for body in
        [chunks(&["-----BEGIN PGP", " MESSAGE-----\n\nx\n-----END PGP MESSAGE-----\n"]), chunks(&["\u{1}binary"])]
    {
        let (status, text) = refusal(world.upload(body).await).await;
        assert_eq!(status, 500);
        assert!(text.contains("first chunk of uploaded data does not contain a valid GPG header"), "{text}");
    }
    assert!(world.server.versions("shop").is_empty());
}

#[tokio::test]
async fn the_last_chunk_must_hold_the_whole_footer() {
    let world = world().await;
    let head = "-----BEGIN PGP MESSAGE-----\n\n";
    for body in [
        chunks(&[head, "x\n-----END PGP MES", "SAGE-----\n"]),
        chunks(&[head, "x\n-----END PGP MESSAGE-----", "\n"]),
        chunks(&[head, "cut"]),
    ] {
        let (status, text) = refusal(world.upload(body).await).await;
        assert_eq!(status, 500);
        assert!(text.contains("end of stream does not contain a valid GPG footer"), "{text}");
    }
    assert!(world.server.versions("shop").is_empty());
}

#[tokio::test]
async fn an_empty_body_is_refused() {
    let world = world().await;
    assert_eq!(refusal(world.upload(Body::default()).await).await.0, 500);
    assert_eq!(refusal(world.upload(chunks(&[])).await).await.0, 500);
    assert!(world.server.versions("shop").is_empty());
}

#[tokio::test]
async fn a_broken_body_registers_nothing_and_frees_the_collection() {
    let world = world().await;
    let (body, fail) = broken(&[MESSAGE]);
    let sending = tokio::spawn(world.upload_to("shop", body).send());
    world.server.upload_reached("shop", MESSAGE.len() as u64).await;
    fail.send(()).unwrap();
    assert!(sending.await.unwrap().is_err());
    world.server.upload_over("shop").await;
    assert!(world.server.versions("shop").is_empty());
    assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_leaves_during_the_wait_registers_nothing() {
    let settings = Settings { registration_delay: Duration::from_secs(600), ..Settings::default() };
    let world = world_with(settings, Default::default()).await;
    let request = world.upload_to("shop", MESSAGE);
    let sending = tokio::spawn(request.send());
    world.server.upload_reached("shop", MESSAGE.len() as u64).await;
    sending.abort();
    world.server.upload_over("shop").await;
    assert!(world.server.versions("shop").is_empty());
}

#[tokio::test]
async fn a_version_is_registered_2_seconds_after_the_last_byte() {
    let world = world_with(Settings::default(), Default::default()).await;
    let start = Instant::now();
    assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn a_second_upload_to_the_same_collection_is_refused() {
    let world = world().await;
    world.server.add_collection("blog", Default::default());
    let sending = tokio::spawn(world.upload_to("shop", endless(&["-----BEGIN PGP MESSAGE"])).send());
    world.server.upload_reached("shop", 1).await;
    let expected = (500, "cannot upload to same collection in parallel".to_owned());
    assert_eq!(refusal(world.upload(MESSAGE).await).await, expected);
    assert_eq!(world.upload_to("blog", MESSAGE).send().await.unwrap().status(), StatusCode::OK);
    sending.abort();
    world.server.upload_over("shop").await;
    assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_collection_is_a_404() {
    let world = world().await;
    let expected = (404, "cannot find specified collection".to_owned());
    assert_eq!(refusal(world.upload_to("nope", MESSAGE).send().await.unwrap()).await, expected);
}

#[tokio::test]
async fn a_multipart_form_with_a_file_is_accepted() {
    let world = world().await;
    let message = long_message(2).concat();
    let body = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--edge\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"a.asc\"\r\n\r\n{message}\r\n--edge--\r\n"
    );
    let request = world.upload_to("shop", body).header("content-type", "multipart/form-data; boundary=edge");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(world.server.versions("shop")[0].data(), message.into_bytes());
}

#[tokio::test]
async fn a_form_without_the_file_or_cut_short_is_refused() {
    let world = world().await;
    let form = "--edge\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--edge--\r\n".to_owned();
    let cut = format!("--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n{MESSAGE}");
    for (content_type, body) in [
        ("multipart/form-data; boundary=edge", form),
        ("multipart/form-data; boundary=edge", cut),
        ("application/x-www-form-urlencoded", MESSAGE.to_owned()),
    ] {
        let request = world.upload_to("shop", body).header("content-type", content_type);
        let (status, text) = refusal(request.send().await.unwrap()).await;
        assert_eq!(status, 500);
        assert!(text.starts_with("cannot read file from multipart/urlencoded form"), "{text}");
    }
    assert!(world.server.versions("shop").is_empty());
}
