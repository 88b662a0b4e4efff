//! A server with one collection, and a client that can send a body chunk by chunk.

use std::{io, sync::Once};

use bahub_testkit::backup_repository::{BackupRepository, Limits, Role, Settings};
use futures::stream::{self, StreamExt};
use reqwest::{Body, Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::sync::oneshot;

pub(crate) const MESSAGE: &str = "-----BEGIN PGP MESSAGE-----\n\nwcDMA\n=abcd\n-----END PGP MESSAGE-----\n";

pub(crate) struct World {
    pub(crate) server: BackupRepository,
    pub(crate) client: Client,
    pub(crate) token: String,
}

pub(crate) fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Client::new()
}

pub(crate) async fn world() -> World {
    world_with(Settings::quick(), Limits::default()).await
}

pub(crate) async fn world_with(settings: Settings, limits: Limits) -> World {
    let server = BackupRepository::start_with(settings).await;
    server.add_collection("shop", limits);
    server.add_user("backups", "secret", &[Role::BackupUploader, Role::BackupDownloader]);
    let token = server.token_for("backups");
    World { server, client: client(), token }
}

impl World {
    pub(crate) fn upload_to(&self, collection: &str, body: impl Into<Body>) -> RequestBuilder {
        let url = format!("{}/api/alpha/repository/collection/{collection}/version", self.server.url());
        self.client.post(url).bearer_auth(&self.token).body(body)
    }

    pub(crate) async fn upload(&self, body: impl Into<Body>) -> Response {
        self.upload_to("shop", body).send().await.unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.server.url())).bearer_auth(&self.token)
    }

    pub(crate) fn download(&self, version: &str) -> RequestBuilder {
        self.get(&format!("/api/alpha/repository/collection/shop/version/{version}"))
    }

    pub(crate) async fn listed(&self) -> Vec<(u64, u64)> {
        let answer = self.get("/api/stable/repository/collection/shop/version").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Value = answer.json().await.unwrap();
        let versions = answer["data"]["versions"].as_array().unwrap();
        versions.iter().map(|v| (v["versionNumber"].as_u64().unwrap(), v["filesize"].as_u64().unwrap())).collect()
    }
}

/// A chunked body: each piece is one chunk on the wire.
pub(crate) fn chunks(pieces: &[&str]) -> Body {
    let pieces: Vec<io::Result<Vec<u8>>> = pieces.iter().map(|piece| Ok(piece.as_bytes().to_vec())).collect();
    Body::wrap_stream(stream::iter(pieces))
}

/// A chunked body that breaks after its last piece when the sender is used.
pub(crate) fn broken(pieces: &[&str]) -> (Body, oneshot::Sender<()>) {
    let pieces: Vec<io::Result<Vec<u8>>> = pieces.iter().map(|piece| Ok(piece.as_bytes().to_vec())).collect();
    let (fail, failed) = oneshot::channel();
    let end = stream::once(async {
        failed.await.unwrap();
        Err(io::Error::other("the dump failed"))
    });
    (Body::wrap_stream(stream::iter(pieces).chain(end)), fail)
}

/// A chunked body that stalls forever after these pieces.
pub(crate) fn endless(pieces: &[&str]) -> Body {
    let pieces: Vec<io::Result<Vec<u8>>> = pieces.iter().map(|piece| Ok(piece.as_bytes().to_vec())).collect();
    Body::wrap_stream(stream::iter(pieces).chain(stream::pending()))
}

/// A message of some MiB, in chunks of 64 KiB with the footer in the last.
pub(crate) fn long_message(mebibytes: usize) -> Vec<String> {
    let line = "x".repeat(63) + "\n";
    let mut pieces = vec!["-----BEGIN PGP MESSAGE-----\n\n".to_owned() + &line.repeat(1024)];
    pieces.extend(std::iter::repeat_n(line.repeat(1024), mebibytes * 16 - 1));
    pieces.push(line.repeat(64) + "-----END PGP MESSAGE-----\n");
    pieces
}

pub(crate) fn long_body(mebibytes: usize) -> Body {
    let pieces = long_message(mebibytes);
    chunks(&pieces.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Status and the text under `error`.
pub(crate) async fn refusal(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let answer: Value = response.json().await.unwrap();
    assert_eq!((&answer["status"], answer["data"].is_object()), (&Value::Bool(false), true), "{answer}");
    (status, answer["error"].as_str().unwrap().to_owned())
}
