//! bahub's engine makes a version on the shelf and restores it.
#![expect(clippy::unwrap_used, reason = "the whole file is a test; clippy knows only functions marked as one")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bahub_core::config::{Configuration, Environment};
use bahub_core::engine::RestoreOptions;
use bahub_core::plan::Plan;
use bahub_core::registry::RegistryBuilder;
use bahub_testkit::fixtures::{EngineRoom, TreeSpec, assert_same_tree, tree};

/// What a user writes: the scheme of `url` chooses the sink.
fn plan(folder: &Path, room: &EngineRoom) -> Plan {
    let shown = folder.display();
    let yaml = format!(
        "accesses:
  shelf: {{ url: 'shelf://{shown}/versions' }}
encryption:
  key: {{ private_key_path: '{}', public_key_path: '{}', email: {} }}
transports:
  local: {{ type: bahub.transports.sh }}
backups:
  shop:
    meta: {{ type: bahub.adapters.filesystem, access: shelf, encryption: key, transport: local }}
    spec: {{ paths: ['{shown}/data'] }}
",
        room.keys().private().display(),
        room.keys().public().display(),
        bahub_testkit::fixtures::KeyPair::EMAIL,
    );
    let file = folder.join("bahub.yaml");
    fs::write(&file, yaml).unwrap();
    let mut components = RegistryBuilder::new();
    bahub_adapters::register(&mut components);
    bahub_transports::register(&mut components);
    acme_shelf::register(&mut components);
    let registry = Arc::new(components.build().unwrap());
    Configuration::load(&[file], &registry, Environment::process()).unwrap().plan("shop").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_goes_to_the_shelf_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("versions")).unwrap();
    tree(&at("data"), &TreeSpec::default());
    let room = EngineRoom::new();
    let plan = plan(folder.path(), &room);

    let made = room.backup(&plan).await.into_result().unwrap();
    fs::rename(at("data"), at("kept")).unwrap();
    room.restore(&plan, &RestoreOptions::default()).await.into_result().unwrap();

    assert_eq!(made.version.unwrap().to_string(), "v1");
    assert_same_tree(&at("data"), &at("kept"));
    let files = fs::read_dir(at("versions")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(files.collect::<Vec<_>>(), ["shop.000001.pgp"]);
}
