use bahub_testkit::backup_repository::{Limits, Listing, Role, Settings};
use reqwest::StatusCode;
use serde_json::Value;

use crate::client::{MESSAGE, World, endless, refusal, world, world_with};

async fn limited(limits: Limits) -> World {
    world_with(Settings::quick(), limits).await
}

fn message_of(bytes: usize) -> String {
    let (header, footer) = ("-----BEGIN PGP MESSAGE", "-----END PGP MESSAGE");
    format!("{header}{}{footer}", "x".repeat(bytes - header.len() - footer.len()))
}

#[tokio::test]
async fn the_oldest_version_goes_when_one_more_is_registered() {
    let world = limited(Limits { max_versions: 2, ..Limits::default() }).await;
    for _ in 0..3 {
        assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
    }
    let numbers: Vec<u64> = world.listed().await.into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [2, 3]);
    assert_eq!(world.download("1").send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_failed_upload_rotates_nothing_away() {
    let world = limited(Limits { max_versions: 1, ..Limits::default() }).await;
    world.upload(MESSAGE).await;
    assert_eq!(world.upload("nonsense").await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(world.listed().await.len(), 1);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_ends() {
    let world = limited(Limits { max_version_bytes: 100, ..Limits::default() }).await;
    assert_eq!(world.upload(message_of(100)).await.status(), StatusCode::OK);
    let (status, text) = refusal(world.upload(endless(&[&message_of(101)])).await).await;
    assert_eq!(status, 500);
    assert!(text.contains("filesize reached allowed limit. Uploaded 101 bytes, allowed to upload only 100"), "{text}");
    assert_eq!(world.server.versions("shop").len(), 1);
}

#[tokio::test]
async fn extra_space_of_the_collection_is_shared_by_its_versions() {
    let limits = Limits { max_versions: 3, max_version_bytes: 100, max_total_bytes: Some(350), ..Limits::default() };
    let world = limited(limits).await;
    assert_eq!(world.upload(message_of(151)).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(world.upload(message_of(130)).await.status(), StatusCode::OK);
    assert_eq!(world.upload(message_of(121)).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(world.upload(message_of(120)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn outside_the_backup_window_only_a_special_role_may_upload() {
    let mut world = limited(Limits { windows_open: false, ..Limits::default() }).await;
    let (status, text) = refusal(world.upload(MESSAGE).await).await;
    assert_eq!(status, 403);
    assert!(text.starts_with("backup window does not allow you to send a backup at this time"), "{text}");
    world.server.add_user("anytime", "secret", &[Role::UploadsAnytime]);
    world.token = world.server.token_for("anytime");
    assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn roles_determine_who_may_upload_download_and_list() {
    let mut world = world().await;
    world.server.put_version("shop", MESSAGE.as_bytes());
    for (role, may_upload, may_download) in [
        (Role::BackupUploader, true, false),
        (Role::BackupDownloader, false, true),
        (Role::CollectionManager, true, true),
        (Role::SystemAdmin, true, true),
        (Role::UserManager, false, false),
    ] {
        world.server.add_user("someone", "secret", &[role]);
        world.token = world.server.token_for("someone");
        let expect = |allowed| if allowed { 200 } else { 403 };
        assert_eq!(world.upload(MESSAGE).await.status().as_u16(), expect(may_upload), "{role:?} uploads");
        let download = world.download("1").send().await.unwrap();
        assert_eq!(download.status().as_u16(), expect(may_download), "{role:?} downloads");
        let list = world.get("/api/stable/repository/collection/shop/version").send().await.unwrap();
        assert_eq!(list.status().as_u16(), expect(may_upload || may_download), "{role:?} lists");
    }
}

#[tokio::test]
async fn versions_are_listed_under_one_path_only() {
    for (listing, stable, alpha) in [(Listing::Stable, 200, 404), (Listing::Alpha, 404, 200)] {
        let world = world_with(Settings { listing, ..Settings::quick() }, Limits::default()).await;
        for (path, expected) in [("stable", stable), ("alpha", alpha)] {
            let answer = world.get(&format!("/api/{path}/repository/collection/shop/version")).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), expected, "{listing:?} {path}");
        }
    }
}

#[tokio::test]
async fn health_asks_for_the_collections_secret_and_names_every_check() {
    let limits = Limits { health_secret: Some("pulse".to_owned()), max_version_bytes: 10, ..Limits::default() };
    let world = limited(limits).await;
    let url = format!("{}/api/stable/repository/collection/shop/health", world.server.url());
    assert_eq!(refusal(world.client.get(&url).send().await.unwrap()).await.0, 403);
    let by_header = world.client.get(&url).header("authorization", "pulse").send().await.unwrap();
    assert_eq!(by_header.status(), StatusCode::OK);

    world.server.put_version("shop", MESSAGE.as_bytes());
    let sick = world.client.get(format!("{url}?code=pulse")).send().await.unwrap();
    assert_eq!(sick.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let sick: Value = sick.json().await.unwrap();
    let checks = sick["data"]["health"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["BackupWindowValidator", "VersionsSizeValidator", "SumOfVersionsValidator"]);
    assert_eq!(checks[1]["status"], false);
    assert_eq!(checks[1]["statusText"], "VersionsSizeValidator=false");
    assert!(checks[1]["message"].as_str().unwrap().contains("maximum filesize"));
}
