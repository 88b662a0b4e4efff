//! A program that embeds bahub can keep its keys anywhere.

use std::sync::Arc;

use bahub_core::engine::RestoreOptions;
use bahub_core::keys::{EncryptionSpec, KeySource};
use bahub_core::plan::Plan;
use bahub_core::secret::Secret;
use bahub_crypto::{KeyGeneration, generate};
use bahub_testkit::fakes::{CopyFile, HereTransport, MemorySink};
use bahub_testkit::fixtures::EngineRoom;

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_and_restored_with_keys_in_memory() {
    let passphrase = Secret::new("of the keys in memory");
    let key = generate(&KeyGeneration::new("me@example.org").with_passphrase(passphrase.clone()));
    let key = key.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "content").unwrap();
    let adapter = Arc::new(CopyFile::new(&file, ""));
    let room = EngineRoom::new();
    let to_make = EncryptionSpec::new("memory").with_public_key(KeySource::memory(key.public.as_str()));
    let to_read = to_make.clone().with_private_key(KeySource::memory(key.secret.expose())).with_passphrase(passphrase);
    let mut plan =
        Plan::builder("memory", adapter, Arc::new(HereTransport), MemorySink::shared("keys"), to_make).build();
    room.backup(&plan).await.into_result().unwrap();
    std::fs::remove_file(&file).unwrap();
    let refused = room.restore(&plan, &RestoreOptions::default()).await;
    assert!(refused.error.unwrap().to_string().contains("has no private key"));
    plan.encryption = to_read;
    room.restore(&plan, &RestoreOptions::default()).await.into_result().unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "content");
}
