use reqwest::StatusCode;

use crate::client::{MESSAGE, long_message, refusal, world};

#[tokio::test]
async fn a_version_is_named_latest_or_by_its_number_with_or_without_v() {
    let world = world().await;
    world.server.put_version("shop", b"one");
    world.server.put_version("shop", b"two!");
    for (name, body) in [("latest", "two!"), ("1", "one"), ("v1", "one"), ("v2", "two!")] {
        let answer = world.download(name).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.content_length(), Some(body.len() as u64));
        let disposition = answer.headers()["content-disposition"].to_str().unwrap();
        assert!(disposition.starts_with("attachment; filename=\"shop-"), "{disposition}");
        assert_eq!(answer.text().await.unwrap(), body);
    }
}

#[tokio::test]
async fn an_unknown_version_or_collection_is_a_404() {
    let world = world().await;
    for name in ["latest", "1", "v1", "nonsense"] {
        let expected = (404, "cannot find specified version".to_owned());
        assert_eq!(refusal(world.download(name).send().await.unwrap()).await, expected);
    }
    let nowhere = world.get("/api/alpha/repository/collection/nope/version/1").send().await.unwrap();
    assert_eq!(refusal(nowhere).await.0, 404);
}

#[tokio::test]
async fn what_was_uploaded_comes_back() {
    let world = world().await;
    let message = long_message(4).concat();
    world.upload(message.clone()).await;
    assert_eq!(world.download("latest").send().await.unwrap().text().await.unwrap(), message);
}

#[tokio::test]
async fn a_tampered_version_is_served_as_it_is_now() {
    let world = world().await;
    world.upload(MESSAGE).await;
    world.server.tamper("shop", 1, |data| data.truncate(10));
    let answer = world.download("1").send().await.unwrap();
    assert_eq!(answer.content_length(), Some(10));
    assert_eq!(answer.bytes().await.unwrap(), &MESSAGE.as_bytes()[..10]);
    assert_eq!(world.listed().await, [(1, 10)]);
}

#[tokio::test]
async fn a_version_that_is_rotated_away_is_deleted_from_the_disk() {
    let world = world().await;
    world.server.put_version("shop", b"one");
    let path = world.server.versions("shop")[0].path().to_owned();
    assert!(path.exists());
    world.server.add_collection("shop", Default::default());
    assert!(!path.exists());
}
