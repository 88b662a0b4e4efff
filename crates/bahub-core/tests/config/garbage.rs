//! Whatever stands in a file, loading it ends, and its errors can be shown.

use std::path::PathBuf;
use std::sync::Arc;

use bahub_core::config::{Configuration, Environment};
use proptest::prelude::*;

use crate::fakes;
use crate::setting::{BASE, META, Setting};

fn survives(content: &[u8]) {
    let setting = Setting::new("");
    setting.file("bahub.yaml", content);
    let _ = setting.check();
    match setting.load() {
        Ok(configuration) => {
            for name in configuration.backup_names() {
                let _ = configuration.plan(name);
            }
            if let Err(errors) = configuration.check(None) {
                setting.rendered(&errors);
            }
        }
        Err(errors) => {
            setting.rendered(&errors);
        }
    }
}

/// A good file with a few pieces replaced by others.
fn mangled() -> impl Strategy<Value = Vec<u8>> {
    let good =
        format!("{BASE}backups:\n  www:\n    {META}\n    spec: {{paths: [/srv, \"${{A}}\"], on_unreadable: warn}}\n");
    let pieces = prop_oneof![
        Just("\n"),
        Just("  "),
        Just(": "),
        Just("- "),
        Just("${"),
        Just("}"),
        Just("["),
        Just("&a "),
        Just("*a"),
        Just("<<: *a"),
        Just("!!int "),
        Just("|\n"),
        Just("\""),
        Just("'"),
        Just("\t"),
        Just("\u{e4}\u{1f512}"),
        Just("---\n"),
        Just("? "),
        Just("#"),
        Just("~"),
        Just("1"),
        Just("\u{feff}"),
        Just("%YAML 1.2\n"),
        Just("\r\n"),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), 0_usize..4, pieces), 1..6).prop_map(move |edits| {
        let mut text: Vec<char> = good.chars().collect();
        for (at, removed, piece) in edits {
            let at = at.index(text.len());
            let end = (at + removed).min(text.len());
            text.splice(at..end, piece.chars());
        }
        text.into_iter().collect::<String>().into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(&content);
    }

    #[test]
    fn arbitrary_text_never_panics(content in "[\\PC\n\t]{0,120}") {
        survives(content.as_bytes());
    }

    #[test]
    fn a_mangled_file_never_panics(content in mangled()) {
        survives(&content);
    }
}

#[test]
fn no_file_at_all_is_an_error() {
    let none: [PathBuf; 0] = [];
    assert!(Configuration::load(&none, &Arc::new(fakes::registry()), Environment::process()).is_err());
}
