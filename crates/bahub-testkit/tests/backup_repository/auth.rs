use bahub_testkit::backup_repository::{Role, ScopedElement, Settings};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::client::{MESSAGE, World, refusal, world, world_with};

async fn login(world: &World, form: Value) -> Response {
    world.client.post(format!("{}/api/stable/auth/login", world.server.url())).json(&form).send().await.unwrap()
}

async fn token_of(response: Response) -> String {
    assert_eq!(response.status(), StatusCode::OK);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["status"], true);
    assert!(answer["data"]["sessionId"].is_string() && answer["data"]["msg"].is_string(), "{answer}");
    assert!(answer["data"]["expire"].as_str().unwrap().ends_with('Z'));
    answer["data"]["token"].as_str().unwrap().to_owned()
}

async fn assert_unauthorized(response: Response) {
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let answer: Value = response.json().await.unwrap();
    assert_eq!((&answer["status"], &answer["code"], &answer["data"]), (&json!(false), &json!(401), &json!({})));
    assert!(answer["message"].is_string() && answer.get("error").is_none(), "{answer}");
}

#[tokio::test]
async fn a_login_gives_a_token_that_works() {
    let mut world = world().await;
    world.token = token_of(login(&world, json!({"username": "backups", "password": "secret"})).await).await;
    assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
    assert_eq!(world.server.active_sessions().len(), 1);
}

#[tokio::test]
async fn a_bad_login_is_a_401_with_a_message() {
    let world = world().await;
    assert_unauthorized(login(&world, json!({"username": "backups", "password": "wrong"})).await).await;
    assert_unauthorized(login(&world, json!({"username": "nobody", "password": "secret"})).await).await;
    assert_unauthorized(login(&world, json!({"username": "backups"})).await).await;
    assert_eq!(world.server.active_sessions(), []);
    assert!(world.server.logins().iter().all(|login| !login.accepted));
}

#[tokio::test]
async fn the_eleventh_login_of_a_minute_is_a_429_in_plain_text() {
    let world = world().await;
    for _ in 0..10 {
        login(&world, json!({"username": "backups", "password": "wrong"})).await;
    }
    let answer = login(&world, json!({"username": "backups", "password": "secret"})).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(answer.text().await.unwrap(), "Too many requests");
}

#[tokio::test]
async fn no_token_and_a_bad_token_are_a_401_everywhere_but_health() {
    let mut world = world().await;
    for path in [
        "/api/stable/auth/whoami",
        "/api/stable/auth/refresh_token",
        "/api/stable/repository/collection/shop/version",
        "/api/alpha/repository/collection/shop/version/latest",
    ] {
        assert_unauthorized(world.client.get(format!("{}{path}", world.server.url())).send().await.unwrap()).await;
    }
    world.token = "wrong".to_owned();
    assert_unauthorized(world.upload(MESSAGE).await).await;
    let health = "/api/stable/repository/collection/shop/health";
    let health = world.client.get(format!("{}{health}", world.server.url())).send().await.unwrap();
    assert_eq!(health.status(), StatusCode::OK);
}

#[tokio::test]
async fn whoami_returns_the_session() {
    let mut world = world().await;
    world.token = token_of(login(&world, json!({"username": "backups", "password": "secret"})).await).await;
    let answer: Value = world.get("/api/stable/auth/whoami").send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["permissions"], json!(["backupUploader", "backupDownloader"]));
    assert_eq!(answer["data"]["sessionId"], world.server.active_sessions()[0].id);
    assert_eq!(answer["data"]["grantedAccess"]["user"], "backups");
    assert!(answer["data"]["email"].is_string());
}

#[tokio::test]
async fn a_logout_revokes_the_token_it_is_called_with() {
    let mut world = world().await;
    world.token = token_of(login(&world, json!({"username": "backups", "password": "secret"})).await).await;
    let logout = format!("{}/api/stable/auth/logout", world.server.url());
    let answer = world.client.delete(logout).bearer_auth(&world.token).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(world.server.active_sessions(), []);
    assert_unauthorized(world.get("/api/stable/auth/whoami").send().await.unwrap()).await;
}

#[tokio::test]
async fn an_expired_token_is_a_401() {
    let world = world().await;
    world.server.expire_tokens();
    assert_unauthorized(world.upload(MESSAGE).await).await;
}

#[tokio::test]
async fn a_refreshed_token_is_refused_as_the_real_server_does() {
    for (accept_refreshed_tokens, expected) in [(false, 401), (true, 200)] {
        let mut world = world_with(Settings { accept_refreshed_tokens, ..Settings::quick() }, Default::default()).await;
        let answer: Value = world.get("/api/stable/auth/refresh_token").send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["code"], 200);
        world.token = answer["token"].as_str().unwrap().to_owned();
        assert_eq!(world.upload(MESSAGE).await.status().as_u16(), expected);
    }
}

#[tokio::test]
async fn a_narrowed_token_may_do_only_what_its_scope_says() {
    let mut world = world().await;
    world.server.add_collection("blog", Default::default());
    let scope = json!({"elements": [{"type": "collection", "name": "shop", "roles": ["backupUploader"]}]});
    let form = json!({"username": "backups", "password": "secret", "operationsScope": scope});
    world.token = token_of(login(&world, form).await).await;

    assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
    assert_eq!(world.listed().await, [(1, MESSAGE.len() as u64)], "who may upload may list");
    assert_eq!(refusal(world.download("1").send().await.unwrap()).await.0, 403);
    assert_eq!(refusal(world.upload_to("blog", MESSAGE).send().await.unwrap()).await.0, 403);
    let recorded = &world.server.logins()[0].operations_scope;
    let asked_for = ScopedElement::collection("shop", &["backupUploader"]);
    assert_eq!(recorded.as_ref().unwrap().elements, [asked_for]);
}

#[tokio::test]
async fn a_scope_grants_nothing_that_the_user_does_not_have() {
    let mut world = world().await;
    world.server.add_user("reader", "secret", &[Role::BackupDownloader]);
    let scope = json!({"elements": [{"type": "collection", "name": "shop", "roles": ["collectionManager"]}]});
    let form = json!({"username": "reader", "password": "secret", "operationsScope": scope});
    world.token = token_of(login(&world, form).await).await;
    assert_eq!(refusal(world.upload(MESSAGE).await).await.0, 403);
}

#[tokio::test]
async fn an_access_key_has_its_own_password_and_narrows_its_user() {
    let mut world = world().await;
    let objects = [ScopedElement::collection("shop", &["backupUploader"])];
    world.server.add_access_key("backups", "nightly", "key-secret", &objects);
    assert_unauthorized(login(&world, json!({"username": "backups$nightly", "password": "secret"})).await).await;
    assert_unauthorized(login(&world, json!({"username": "backups$nope", "password": "secret"})).await).await;
    let form = json!({"username": "backups$nightly", "password": "key-secret"});
    world.token = token_of(login(&world, form).await).await;
    assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
    assert_eq!(refusal(world.download("1").send().await.unwrap()).await.0, 403);
    assert_eq!(world.server.active_sessions()[0].access_key.as_deref(), Some("nightly"));
}

#[tokio::test]
async fn a_role_on_a_collection_holds_there_alone() {
    let mut world = world().await;
    world.server.add_collection("blog", Default::default());
    world.server.add_user("shopkeeper", "secret", &[]);
    world.server.grant("shop", "shopkeeper", &[Role::BackupUploader]);
    world.token = world.server.token_for("shopkeeper");
    assert_eq!(world.upload(MESSAGE).await.status(), StatusCode::OK);
    assert_eq!(refusal(world.upload_to("blog", MESSAGE).send().await.unwrap()).await.0, 403);
}

#[tokio::test]
async fn requests_are_recorded_with_their_answers() {
    let world = world().await;
    world.upload("nonsense").await;
    world.client.get(format!("{}/nowhere", world.server.url())).send().await.unwrap();
    let seen: Vec<_> = world.server.requests().into_iter().map(|r| (r.method, r.authorized, r.status)).collect();
    assert_eq!(seen, [("POST".to_owned(), true, Some(500)), ("GET".to_owned(), false, Some(404))]);
}
