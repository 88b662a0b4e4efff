//! The configuration that the project's description shows.

use bahub_core::compression::{Algorithm, Compression};
use bahub_core::config::ConfigErrorKind;
use bahub_core::keys::KeySource;

use crate::fakes;
use crate::setting::Setting;

const SEED: &str = include_str!("../data/seed-config.yaml");

fn seed() -> Setting {
    Setting::new(SEED).variable("TEST_COLLECTION_ID", "11111-2222-33333-6666")
}

#[test]
fn the_seed_file_loads_and_every_backup_of_it_has_a_plan() {
    let setting = seed();
    let configuration = setting.load().unwrap();
    assert_eq!(configuration.backup_names(), ["db_mysql_something", "db_postgres", "fs_kubernetes_pod"]);
    for name in configuration.backup_names() {
        let plan = configuration.plan(name).unwrap();
        assert_eq!(plan.name, name);
        assert_eq!(plan.encryption.email.as_deref(), Some("bakunin@example.org"));
        assert_eq!(plan.encryption.public_key, None);
        let key = setting.folder.path().join("../backup-maker/resources/test/gpg-key.asc");
        assert_eq!(plan.encryption.private_key, Some(KeySource::file(key)));
    }
}

#[test]
fn notifiers_and_error_handlers_are_reported_as_not_acted_on() {
    let notices = seed().plan("fs_kubernetes_pod").unwrap().notices.join("\n");
    assert!(notices.contains("\"notifiers\"") && notices.contains("\"error_handlers\""), "{notices}");
}

#[test]
fn gzip_args_select_gzip_at_that_level_and_zstd_is_the_default() {
    let configuration = seed().load().unwrap();
    let gzip = Compression { algorithm: Algorithm::Gzip, level: 3, threads: None };
    assert_eq!(configuration.plan("db_postgres").unwrap().compression, gzip);
    assert_eq!(configuration.plan("db_mysql_something").unwrap().compression, Compression::default());
}

#[test]
fn a_variable_becomes_the_collection() {
    let plan = seed().plan("fs_kubernetes_pod").unwrap();
    assert_eq!(plan.sink.identity(), "11111-2222-33333-6666");
}

#[test]
fn secrets_of_the_used_backup_are_scrubbed_and_in_no_debug() {
    let plan = seed().plan("db_postgres").unwrap();
    let said = plan.scrubber.scrub("token-from-environment and secret and riotkit");
    assert_eq!(said, "[redacted] and [redacted] and [redacted]");
    let debug = format!("{plan:?}");
    assert!(!debug.contains("token-from-environment") && !debug.contains("\"secret\""), "{debug}");
}

#[test]
fn the_seed_file_loads_where_most_components_are_absent() {
    let setting = Setting::with(fakes::small_registry(), SEED).variable("TEST_COLLECTION_ID", "1");
    let configuration = setting.load().unwrap();
    let errors = configuration.plan("db_postgres").unwrap_err();
    assert_eq!(errors.iter().map(|error| error.kind()).collect::<Vec<_>>(), [ConfigErrorKind::AbsentType]);
    insta::assert_snapshot!(setting.rendered(&errors));
}

#[test]
fn a_missing_variable_matters_only_to_the_backup_that_uses_it() {
    let setting = Setting::new(SEED);
    setting.plan("db_postgres").unwrap();
    let errors = setting.plan("fs_kubernetes_pod").unwrap_err();
    assert_eq!(errors.iter().next().unwrap().kind(), ConfigErrorKind::MissingVariable);
}
