//! The contents of argv.

use std::collections::BTreeSet;

use bahub_adapters::filesystem::Filesystem;
use bahub_core::adapter::{Adapter, Findings};
use bahub_core::registry::{Component, RegistryBuilder};
use bahub_core::replay::{ReplayTarget, RestoreTarget, Stored};
use bahub_core::step::{Arg, ByteString, Step};
use proptest::prelude::*;
use serde_json::json;

use crate::runner::{Tools, names};
use crate::tree::{Room, adapter, adapter_of};

fn found(line: &str) -> Findings {
    Findings([("tar".to_owned(), line.to_owned())].into())
}

fn both() -> [Findings; 2] {
    [found("tar (GNU tar) 1.34"), found("tar (busybox) 1.35.0")]
}

fn plain(step: &Step) -> Vec<String> {
    let text = |arg: &Arg| match arg {
        Arg::Plain(ByteString(bytes)) => String::from_utf8(bytes.clone()).unwrap(),
        Arg::SecretFile { .. } => panic!("files hold no secrets"),
    };
    step.args.iter().map(text).collect()
}

/// What follows the `--` that ends the options, which end with `-C` and its value or begin with `mkdir -p`.
fn operands(step: &Step) -> Vec<String> {
    let args = plain(step);
    let end = args.iter().position(|arg| arg == "-C" || arg == "-p" && step.name() == "mkdir").unwrap();
    let end = if args[end] == "-C" { end + 2 } else { end + 1 };
    let end = end + args[end..].iter().position(|arg| arg == "--").unwrap();
    args[end + 1..].to_vec()
}

prop_compose! {
    fn component()(name in "[^/\0]{1,12}|-[a-zA-Z-]{0,8}|--[a-z=-]{0,12}") -> Option<String> {
        (name != "." && name != "..").then_some(name)
    }
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(component().prop_filter_map("a name", |name| name), 1..4).prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_path_is_one_operand_and_no_option(paths in prop::collection::btree_set(path(), 1..4)) {
        let absolute: Vec<String> = paths.iter().map(|path| format!("/{path}")).collect();
        let adapter = adapter(json!({ "paths": absolute, "one_file_system": true }));
        for found in both() {
            let capture = adapter.capture(&found).unwrap();
            let operands: BTreeSet<String> = operands(capture.steps().next().unwrap()).into_iter().collect();
            prop_assert_eq!(&operands, &paths);
        }
    }

    #[test]
    fn a_member_and_a_directory_are_one_argument_each(member in path(), directory in path()) {
        let adapter = adapter(json!({ "paths": ["/srv"] }));
        let target = ReplayTarget { location: RestoreTarget::Directory(directory.clone().into()), members: vec![format!("/{member}").into()], ..ReplayTarget::default() };
        for found in both() {
            let Ok(replay) = adapter.replay(&target, &found, &Stored::default()) else {
                prop_assert!(member.contains(['*', '?', '[', '\\']));
                continue;
            };
            prop_assert_eq!(operands(&replay.main[0]), std::slice::from_ref(&member));
            let args = plain(&replay.main[0]);
            let at = args.iter().position(|arg| arg == "-C").unwrap();
            prop_assert_eq!(&args[at + 1], &directory);
            prop_assert_eq!(operands(&replay.before[0]), std::slice::from_ref(&directory));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn a_path_of_any_name_is_backed_up(name in component().prop_filter_map("a name", |name| name)) {
        for tools in [Tools::gnu(), Tools::busybox()] {
            let room = Room::new();
            let file = room.write(&name, "content");
            let backup = tools.capture(&adapter(json!({ "paths": [&file] }))).unwrap();
            prop_assert_eq!(names(&backup.output).len(), 1);
            let target = ReplayTarget::at(RestoreTarget::Directory(room.to()));
            tools.replay(&adapter_of(&room), &target, &backup.output).unwrap();
            prop_assert_eq!(std::fs::read_to_string(room.restored(&file)).unwrap(), "content");
        }
    }
}

#[test]
fn the_example_parses_and_builds_by_the_registry() {
    let mut builder = RegistryBuilder::new();
    bahub_adapters::register(&mut builder);
    let registry = builder.build().unwrap();
    let entry = registry.adapter(Filesystem::TYPE).unwrap();
    entry.build(serde_yaml::from_str(entry.example).unwrap(), &()).unwrap();
    assert_eq!(entry.schema()["required"], json!(["paths"]));
    assert_eq!(entry.schema()["additionalProperties"], json!(false));
    for database in ["mysql", "postgres_dump"] {
        // A build without one names the cargo feature that provides it.
        let known = registry.adapter(&format!("bahub.adapters.{database}"));
        assert!(!matches!(known, Err(bahub_core::registry::Unregistered::Unknown { .. })), "{known:?}");
    }
}

#[test]
fn all_errors_are_reported_at_once() {
    let spec = json!({ "paths": ["/ok", "relative", "/a/../b"], "exclude": ["ok", "a/"] });
    let wrong = Filesystem::from_config(serde_json::from_value(spec).unwrap(), &()).unwrap_err();
    let pointers: Vec<&str> = wrong.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/paths/1", "/paths/2", "/exclude/1"]);
    assert!(wrong.iter().all(|error| error.help.is_some()));
    let empty = Filesystem::from_config(serde_json::from_value(json!({ "paths": [] })).unwrap(), &()).unwrap_err();
    assert_eq!(empty[0].pointer, "/paths");
}

#[test]
fn a_path_that_is_named_twice_is_stored_once() {
    let operands_of = |paths: &[&str]| {
        operands(adapter(json!({ "paths": paths })).capture(&both()[0]).unwrap().steps().next().unwrap())
    };
    assert_eq!(operands_of(&["/a", "/b", "/a/", "//a"]), ["a", "b"]);
    assert_eq!(operands_of(&["/a/b", "/a"]), ["a/b", "a"]);
    assert_eq!(operands_of(&["/", "/home"]), [".", "./home"]);
}
