//! What a plan is made of.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use bahub_core::compression::{Algorithm, Compression};
use bahub_core::keys::{KeySource, MessageFormat};
use proptest::prelude::*;

use crate::setting::{BASE, META, Setting};

fn setting(meta: &str, spec: &str) -> Setting {
    let meta = META.replace('}', &format!("{meta}}}"));
    Setting::new(&format!("{BASE}backups:\n  www:\n    {meta}\n    spec: {spec}\n"))
}

#[test]
fn a_collection_is_called_like_its_backup_unless_it_has_an_id() {
    assert_eq!(setting("", "{paths: [/srv]}").plan("www").unwrap().sink.identity(), "www");
    let named = setting(", collection_id: \"${ID:-fall back}\"", "{paths: [/srv]}");
    assert_eq!(named.plan("www").unwrap().sink.identity(), "fall back");
    let named = named.variable("ID", "../up");
    assert!(named.plan("www").is_err());
}

#[test]
fn compression_relay_and_timeout_are_taken_as_numbers_texts_or_variables() {
    let meta =
        ", compression: {algorithm: gzip, level: \"${LEVEL}\", threads: \"2\"}, relay: \"${RELAY}\", timeout: 2h30m";
    let plan = setting(meta, "{paths: [/srv]}").variable("LEVEL", "9").variable("RELAY", "no").plan("www").unwrap();
    assert_eq!(plan.compression, Compression { algorithm: Algorithm::Gzip, level: 9, threads: Some(2) });
    assert_eq!(plan.relay, Some(false));
    assert_eq!(plan.timeout, Some(Duration::from_secs(9000)));
    let relayed = setting(", relay: false, collection_id: relayed-only", "{paths: [/srv]}");
    let errors = relayed.rendered(&relayed.plan("www").unwrap_err());
    assert!(errors.contains("`relay: false` is not possible"), "{errors}");
    let plan = setting(", compression: none, timeout: 60", "{paths: [/srv]}").plan("www").unwrap();
    assert_eq!((plan.compression.algorithm, plan.timeout), (Algorithm::None, Some(Duration::from_secs(60))));
}

#[test]
fn a_value_is_checked_again_when_it_is_filled_in() {
    let setting = setting(", compression: {level: \"${LEVEL}\"}, timeout: \"${LIMIT}\"", "{paths: [/srv]}");
    setting.load().unwrap();
    let setting = setting.variable("LEVEL", "20").variable("LIMIT", "soon");
    insta::assert_snapshot!(setting.rendered(&setting.plan("www").unwrap_err()));
}

#[test]
fn a_port_may_be_a_variable_or_a_number_in_quotes() {
    for port in ["3306", "\"3306\"", "\"${PORT}\"", "${PORT}", "\"${P1}${P2}\"", "'${NOT_SET:-3306}'"] {
        let text = format!("{{host: db, user: root, port: {port}}}");
        let setting = setting("", &text.replace("port: ${PORT}", "port: \"${PORT}\""));
        let text = setting.folder.path().join("bahub.yaml");
        let mysql = std::fs::read_to_string(&text).unwrap().replace("filesystem", "mysql");
        let setting = Setting::new(&mysql).variable("PORT", "3306").variable("P1", "33").variable("P2", "06");
        let plan = setting.plan("www").unwrap();
        assert!(format!("{:?}", plan.adapter).contains("Some(3306)"), "{port}: {:?}", plan.adapter);
    }
}

#[test]
fn a_secret_file_is_read_from_beside_the_configuration_without_its_last_newline() {
    let text = BASE.replace("${API_TOKEN}", "${file:token}").replace("email:", "passphrase: ${file:pass}\n    email:");
    let setting = Setting::new(&format!("{text}backups:\n  www:\n    {META}\n    spec: {{paths: [/srv]}}\n"));
    setting.file("token", "from-a-file\n");
    setting.file("pass", "s p\u{e4}ce\r\n");
    let plan = setting.plan("www").unwrap();
    assert_eq!(plan.encryption.passphrase.as_ref().map(|passphrase| passphrase.expose()), Some("s p\u{e4}ce"));
    assert_eq!(plan.scrubber.scrub("the from-a-file, s p\u{e4}ce"), "the [redacted], [redacted]");
}

#[test]
fn a_password_inside_a_url_is_scrubbed() {
    let text = BASE.replace("https://", "https://me:hunter22@");
    let setting = Setting::new(&format!("{text}backups:\n  www:\n    {META}\n    spec: {{paths: [/srv]}}\n"));
    assert_eq!(setting.plan("www").unwrap().scrubber.scrub("me:hunter22"), "me:[redacted]");
}

#[test]
fn paths_start_from_the_folder_of_the_file_or_from_the_home() {
    let text = BASE.replace("key.asc", "~/key.asc\n    public_key_path: \"${CONFIG_DIR}/pub.asc\"\n    recipients: [a.asc, /b.asc]\n    format: rfc9580");
    let setting = Setting::new(&format!("{text}backups:\n  www:\n    {META}\n    spec: {{paths: [/srv]}}\n"));
    let setting = setting.variable("HOME", "/home/u");
    let folder = setting.folder.path();
    let configuration = setting.load().unwrap();
    let spec = configuration.encryption("keys").unwrap();
    assert_eq!(spec.private_key, Some(KeySource::file("/home/u/key.asc")));
    assert_eq!(spec.public_key, Some(KeySource::file(folder.join("pub.asc"))));
    assert_eq!(spec.recipients, [folder.join("a.asc"), "/b.asc".into()].map(KeySource::File));
    assert_eq!(spec.format, MessageFormat::Rfc9580);
    assert_eq!(configuration.encryption_of("www").unwrap().name, "keys");
    assert!(configuration.encryption("kyes").unwrap_err().to_string().contains("did you mean \"keys\""));
}

#[test]
fn a_later_file_wins_and_keeps_its_own_positions_and_folder() {
    let setting = setting("", "{paths: [/srv]}");
    std::fs::create_dir(setting.folder.path().join("more")).unwrap();
    setting.file(
        "more/keys.yaml",
        "encryption: {keys: {private_key_path: other.asc}}\n\nbackups: {www: {spec: {pahts: []}}}\n",
    );
    let errors = setting.load_files(&["bahub.yaml", "more/keys.yaml"]).unwrap_err();
    let error = errors.iter().next().unwrap();
    assert!(error.file().unwrap().ends_with("more/keys.yaml"));
    assert_eq!((error.line(), error.column()), (Some(3), Some(24)));
    setting.file("more/keys.yaml", "encryption: {keys: {private_key_path: other.asc}}\nbackups:\n");
    let plan = setting.load_files(&["bahub.yaml", "more/keys.yaml"]).unwrap().plan("www").unwrap();
    assert_eq!(plan.encryption.private_key, Some(KeySource::file(setting.folder.path().join("more/other.asc"))));
    assert_eq!(plan.encryption.email.as_deref(), Some("admin@example.org"));
}

#[test]
fn anchors_aliases_and_merge_keys_are_understood() {
    let text = format!(
        "{BASE}backups:\n  www: &www\n    {META}\n    spec: &spec {{paths: [/srv]}}\n  etc:\n    <<: *www\n    spec: {{<<: *spec, paths: [/etc]}}\n"
    );
    let plan = Setting::new(&text).plan("etc").unwrap();
    assert!(format!("{:?}", plan.adapter).contains("/etc"), "{:?}", plan.adapter);
}

#[test]
fn a_secret_that_every_user_can_read_is_reported() {
    let setting = Setting::new(&BASE.replace("${API_TOKEN}", "hunter22"));
    let file = setting.folder.path().join("bahub.yaml");
    let notices = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        setting.load().unwrap().check(None).unwrap()
    };
    assert!(notices(0o644).concat().contains("chmod 600"));
    assert!(notices(0o640).is_empty());
}

#[test]
fn check_looks_at_entries_that_no_backup_uses() {
    let text = format!("{BASE}  lost: {{type: bahub.transports.none}}\n");
    let setting = Setting::new(&text.replace("${API_TOKEN}", "${OTHER_TOKEN}"));
    let errors = setting.load().unwrap().check(None).unwrap_err().to_string();
    assert!(errors.contains("OTHER_TOKEN is not set"), "{errors}");
    assert!(errors.contains("unknown transport"), "{errors}");
}

#[test]
fn a_private_key_that_only_restores_need_may_be_elsewhere() {
    let text = BASE.replace("key.asc", "lost.asc\n    public_key_path: key.asc");
    let setting = Setting::new(&format!("{text}backups:\n  www:\n    {META}\n    spec: {{paths: [/srv]}}\n"));
    let notices = setting.load().unwrap().check(Some("www")).unwrap().join("\n");
    assert!(notices.contains("not restored"), "{notices}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_filled_in_value_changes_the_structure(
        value in prop_oneof!["\\PC*", "[\\[\\]{}:,\"'#&*!|>%@\n\t ${}a-]{0,40}"],
    ) {
        prop_assume!(!value.contains('\0'));
        let setting = setting("", "{paths: [\"a ${VALUE} b\", \"${VALUE}\"]}").variable("VALUE", &value);
        let plan = setting.plan("www").unwrap();
        let expected = format!("paths: {:?}", [format!("a {value} b"), value]);
        prop_assert!(format!("{:?}", plan.adapter).contains(&expected), "{:?}", plan.adapter);
    }
}
