//! Every kind of error: its place, the word it underlines, its help. The rendering is held in `snapshots/`.

use bahub_core::config::{ConfigErrorKind, ConfigErrors, KeyUse};

use crate::setting::{BASE, META, Setting};

fn kinds(errors: &ConfigErrors) -> Vec<ConfigErrorKind> {
    errors.iter().map(|error| error.kind()).collect()
}

/// What loading the text says.
fn load_says(text: &str) -> String {
    let setting = Setting::new(text);
    let errors = setting.load().expect_err("loading fails");
    setting.rendered(&errors)
}

/// What planning the backup `www` of BASE and this text says.
fn plan_says(backups: &str) -> String {
    let setting = Setting::new(&format!("{BASE}{backups}"));
    let errors = setting.plan("www").expect_err("planning fails");
    setting.rendered(&errors)
}

fn www(spec: &str) -> String {
    format!("backups:\n  www:\n    {META}\n    spec:\n{spec}")
}

#[test]
fn a_misspelt_key() {
    insta::assert_snapshot!(load_says(&format!("{BASE}{}", www("      path: [/srv]\n"))));
}

#[test]
fn a_misspelt_key_beside_a_secret_shows_no_secret() {
    let said = load_says(&BASE.replace("token: ${API_TOKEN}", "tokne: hunter22"));
    assert!(!said.contains("hunter22"), "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn a_misspelt_section() {
    insta::assert_snapshot!(load_says("acesses: {}\nbackups: {}\n"));
}

#[test]
fn a_check_reports_errors_of_all_kinds_at_once() {
    let text = www("      paths: [\"${ROOT}\"]\n      paths: [/etc]\n  etc:\n    mata: {}\n");
    let setting = Setting::new(&format!("{}{text}", BASE.replace("key.asc", "lost.asc")));
    let errors = setting.check().unwrap_err();
    let expected = [
        ConfigErrorKind::KeyFile,
        ConfigErrorKind::MissingVariable,
        ConfigErrorKind::DuplicateKey,
        ConfigErrorKind::UnknownKey,
    ];
    assert_eq!(kinds(&errors), expected, "{errors}");
}

#[test]
fn an_unknown_reference() {
    let meta = META.replace("access: store", "access: stoer").replace("transport: here", "transport: local");
    insta::assert_snapshot!(load_says(&format!("{BASE}backups:\n  www:\n    {meta}\n    spec: {{paths: [/srv]}}\n")));
}

#[test]
fn a_wrong_type() {
    let text = "\
backups:
  db:
    meta:
      type: bahub.adapters.mysql
      access: store
      encryption: keys
      transport: here
      relay: perhaps
      timeout: [1]
    spec:
      host: 5
      port: many
      user:
";
    insta::assert_snapshot!(load_says(&format!("{BASE}{text}")));
}

#[test]
fn a_missing_key() {
    insta::assert_snapshot!(load_says(
        "encryption:\n  keys: {private_key_path: a}\ntransports:\n  web: {type: bahub.transports.docker}\nbackups:\n  www: {}\n"
    ));
}

#[test]
fn a_duplicate_key_does_not_hide_other_errors() {
    let text = format!("{BASE}{}", www("      paths: [/srv]\n      paths: [/etc]\n      on_unreadable: wran\n"));
    insta::assert_snapshot!(load_says(&text));
}

#[test]
fn a_missing_variable_and_an_unreadable_secret_file() {
    let setting = Setting::new(&format!(
        "{}{}",
        BASE.replace("${API_TOKEN}", "${file:secrets/token}"),
        www("      paths: [\"${ROOT}/a\"]\n")
    ));
    let errors = setting.plan("www").unwrap_err();
    assert_eq!(kinds(&errors), [ConfigErrorKind::UnreadableSecret, ConfigErrorKind::MissingVariable]);
    insta::assert_snapshot!(setting.rendered(&errors));
}

#[test]
fn a_missing_key_file() {
    let setting =
        Setting::new(&format!("{}{}", BASE.replace("key.asc", "keys/lost.asc"), www("      paths: [/srv]\n")));
    let configuration = setting.load().unwrap();
    let errors = configuration.check(None).unwrap_err();
    assert_eq!(kinds(&errors), [ConfigErrorKind::KeyFile]);
    assert_eq!(kinds(&configuration.check_keys("www", KeyUse::Seal).unwrap_err()), [ConfigErrorKind::KeyFile]);
    let unreadable = configuration.check_keys("www", KeyUse::Open).unwrap_err();
    assert_eq!(kinds(&unreadable), [ConfigErrorKind::KeyFile]);
    let rendered = setting.rendered(&unreadable);
    assert!(rendered.contains("the copy of the key") && !rendered.contains(":key:generate"), "{rendered}");
    insta::assert_snapshot!(setting.rendered(&errors));
}

#[test]
fn an_unknown_and_an_absent_type() {
    let text = BASE.replace("transports.sh", "transports.shh").replace("https://", "s3://");
    let setting = Setting::new(&format!("{text}{}", www("      paths: [/srv]\n").replace("filesystem", "filesytem")));
    let errors = setting.plan("www").unwrap_err();
    insta::assert_snapshot!(setting.rendered(&errors));
}

#[test]
fn an_unknown_backup() {
    let setting = Setting::new(&format!("{BASE}{}", www("      paths: [/srv]\n")));
    let errors = setting.plan("wwww").unwrap_err();
    assert_eq!(kinds(&errors), [ConfigErrorKind::UnknownBackup]);
    insta::assert_snapshot!(setting.rendered(&errors));
}

#[test]
fn what_a_component_refuses_is_shown_at_its_place() {
    insta::assert_snapshot!(plan_says(
        "backups:\n  www:\n    meta: {type: bahub.adapters.mysql, access: store, encryption: keys, transport: here}\n    spec:\n      host: a b\n      user: u\n      port: \"1\"\n"
    ));
}

#[test]
fn levels_names_and_times() {
    let text = "\
backups:
  ../etc:
    meta:
      type: bahub.adapters.filesystem
      access: store
      encryption: keys
      transport: here
      collection_id: a/b
      timeout: soon
      compression: {algorithm: gzip, level: 12}
      schedule: daily
      shedule: '@daily'
    spec: {paths: []}
  other:
    meta: {type: bahub.adapters.filesystem, access: store, encryption: keys, transport: here, compression: zsdt}
    spec: {paths: [/srv]}
  third:
    meta: {type: bahub.adapters.filesystem, access: store, encryption: keys, transport: here, compression: {level: 20}}
    spec: {paths: [/srv]}
";
    insta::assert_snapshot!(load_says(&format!("{BASE}{text}")));
}

#[test]
fn an_expression_that_means_nothing() {
    insta::assert_snapshot!(load_says(
        "accesses:\n  a: {url: \"http://${}\", token: \"${file:}\"}\n  b: {url: \"http://${HOST\"}\n"
    ));
}

#[test]
fn bad_syntax() {
    insta::assert_snapshot!(load_says("accesses:\n  store:\n    url: \"http://a\n    token: hunter22\nbackups: {}\n"));
}

#[test]
fn a_tab() {
    insta::assert_snapshot!(load_says("accesses:\n  store:\n\turl: http://a\n"));
}

#[test]
fn files_of_another_shape() {
    for (name, text) in [
        ("empty", ""),
        ("only comments", "# nothing\n"),
        ("a list", "- a\n- b\n"),
        ("a text", "hello\n"),
        ("two documents", "backups: {}\n---\nbackups: {}\n"),
        ("a tag", "backups: !secret {}\n"),
        ("a section that is a list", "backups: []\n"),
        ("entries that are no mappings", "accesses: {a: 1}\nbackups: {b: []}\ntransports: {c: text}\n"),
        ("a key that is a list", "? [a]\n: b\n"),
        ("an alias of itself", "backups: &a\n  b: *a\n"),
        ("an unknown alias", "backups: *a\n"),
        ("merging a text", "backups:\n  <<: text\n"),
    ] {
        insta::assert_snapshot!(format!("another_shape_{}", name.replace(' ', "_")), load_says(text));
    }
}

#[test]
fn files_that_cannot_be_read_are_all_named() {
    let setting = Setting::new("backups: {}");
    setting.file("latin1.yaml", b"backups: {}\n# caf\xe9\n");
    let errors = setting.load_files(&["missing.yaml", "latin1.yaml", "bahub.yaml"]).unwrap_err();
    insta::assert_snapshot!(setting.rendered(&errors));
}

#[test]
fn a_nesting_without_end_and_a_file_that_multiplies_itself_are_refused() {
    assert!(load_says(&format!("{}{}", "[".repeat(100), "]".repeat(100))).contains("nested too deeply"));
    // This one is refused by the parser itself.
    assert!(load_says(&"[".repeat(100_000)).contains("is not valid YAML"));
    let bomb = (0..30)
        .fold("a0: &a0 [x, x]\n".to_owned(), |text, n| format!("{text}a{}: &a{} [*a{n}, *a{n}]\n", n + 1, n + 1));
    assert!(load_says(&bomb).contains("too many values"));
}

#[test]
fn each_error_has_its_parts_for_programs() {
    let setting = Setting::new("acesses: {}\n");
    let errors = setting.load().unwrap_err();
    let json = serde_json::to_value(&errors).unwrap();
    assert_eq!(json[0]["kind"], "unknown_key");
    assert_eq!((&json[0]["line"], &json[0]["column"]), (&1.into(), &1.into()));
    assert!(json[0]["file"].as_str().unwrap().ends_with("bahub.yaml"));
    assert!(json[0]["help"].as_str().unwrap().contains("\"accesses\""));
}

#[test]
fn no_literal_secret_is_in_an_error_or_in_debug() {
    let text = "\
# password: hunter22
accesses:
  store: {url: 'https://me:hunter22@example.org', pasword: hunter22, token: hunter22}
encryption:
  keys:
    passphrase: |
      hunter22
      hunter22 again
    emial: a@b
    private_key_path: key.asc
backups:
  db:
    meta: {type: bahub.adapters.mysql, access: store, encryption: keys, transport: here}
    spec:
      password: 'hunter22
        hunter22'
      prot: 1
";
    let setting = Setting::new(text);
    let errors = setting.load().unwrap_err();
    let said = format!("{}{errors:?}{}", setting.rendered(&errors), serde_json::to_string(&errors).unwrap());
    assert!(!said.contains("hunter22"), "{said}");
    let broken = Setting::new(&format!("{text}  ]"));
    let errors = broken.load().unwrap_err();
    let said = format!("{}{errors:?}", broken.rendered(&errors));
    assert!(!said.contains("hunter22"), "{said}");
}

#[test]
fn a_resolved_secret_is_in_no_error() {
    let text = format!("{BASE}{}", www("      paths: [/srv]\n"))
        .replace("https://backups", "https://${USER_PASSWORD}:${USER_PASSWORD}@backups");
    let setting =
        Setting::new(&text.replace("email: admin@example.org", "email: ''\n    passphrase: ${USER_PASSWORD}"))
            .variable("USER_PASSWORD", "hunter22");
    let errors = setting.load().and_then(|loaded| loaded.plan("www").map(drop)).unwrap_err();
    assert!(!setting.rendered(&errors).contains("hunter22"));
}
