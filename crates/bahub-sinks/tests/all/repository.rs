//! Claims about versions on a Backup Repository server.

mod answers;
mod direct;
mod downloads;
mod logins;
mod tls;
mod uploads;

use bahub_core::registry::Component;
use bahub_core::sink::SinkError;
use bahub_sinks::repository::Repository;
use bahub_testkit::backup_repository::{BackupRepository, Limits, Role, Settings};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::support::{context, noise};

/// A server with the collection `shop` and a user with all rights on it.
async fn server() -> BackupRepository {
    let server = BackupRepository::start_with(Settings::quick()).await;
    prepare(&server);
    server
}

fn prepare(server: &BackupRepository) {
    server.add_collection("shop", Limits::default());
    server.add_user("backups", "hunter2hunter2", &[Role::BackupUploader, Role::BackupDownloader]);
}

/// A sink with a token, and short timeouts if a test needs them.
fn with_token(server: &BackupRepository, more: Value) -> Repository {
    with(server, json!({"token": server.token_for("backups")}), more)
}

fn with_login(server: &BackupRepository) -> Repository {
    with(server, json!({"username": "backups", "password": "hunter2hunter2"}), json!({}))
}

fn with(server: &BackupRepository, credentials: Value, more: Value) -> Repository {
    let mut config = json!({"url": server.url()});
    for part in [credentials, more] {
        config.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    }
    Repository::from_config(serde_json::from_value(config).unwrap(), &context("shop")).unwrap()
}

/// Bytes that look like an armoured message of about this size.
fn armoured(size: usize) -> Bytes {
    let mut text = b"-----BEGIN PGP MESSAGE-----\n\n".to_vec();
    text.extend(noise(size).iter().map(|byte| b'A' + byte % 26));
    text.extend_from_slice(b"\n-----END PGP MESSAGE-----\n");
    text.into()
}

/// Neither the token's body nor the password may appear anywhere.
fn assert_no_secret(error: &SinkError) {
    let text = format!("{error} {error:?} {}", error.chain());
    assert!(!text.contains("eyJ") && !text.contains("hunter2"), "{text}");
}
