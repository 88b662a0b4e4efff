//! What a spec may contain.

use bahub_adapters::postgres_dump::PostgresDump;
use bahub_core::registry::Component;
use serde_json::{Value, json};

fn wrong(more: Value) -> String {
    let mut spec = json!({ "host": "h", "user": "u" });
    super::support::merge(&mut spec, more);
    let wrong = PostgresDump::from_config(serde_json::from_value(spec).unwrap(), &()).unwrap_err();
    format!("{wrong:?}")
}

#[test]
fn invalid_values_are_reported_with_their_place() {
    for (more, words) in [
        (json!({ "host": "" }), ["/host", "there is no server"]),
        (json!({ "socket": "/run" }), ["/socket", "both"]),
        (json!({ "host": "", "socket": "run" }), ["/socket", "absolute"]),
        (json!({ "user": "" }), ["/user", "no user"]),
        (json!({ "user": "a\0" }), ["/user", "NUL"]),
        (json!({ "password": "a\nb" }), ["/password", "line break"]),
        (json!({ "database": "x".repeat(64) }), ["/databases", "63 bytes"]),
        (json!({ "databases": [""] }), ["/databases", "empty"]),
        (json!({ "database": "a", "databases": ["b"] }), ["/databases", "both"]),
        (json!({ "database": "a", "exclude_databases": ["b"] }), ["/exclude_databases", "only some"]),
        (json!({ "database": "a", "globals": true }), ["/globals", "whole server"]),
        (json!({ "database": "a", "on_failure": "partial" }), ["/on_failure", "is whole or there is none"]),
        (json!({ "exclude_tables": [""] }), ["/exclude_tables", "is not a table name"]),
        (json!({ "extra_args": ["--file=/x"] }), ["/extra_args/0", "not an allowed option"]),
        (json!({ "extra_args": ["-Z9"] }), ["/extra_args/0", "not an allowed option"]),
    ] {
        let message = wrong(more.clone());
        assert!(words.iter().all(|word| message.contains(word)), "{more}: {message}");
    }
}

#[test]
fn the_example_and_the_originals_spec_are_taken() {
    let example: Value = serde_yaml::from_str(PostgresDump::EXAMPLE).unwrap();
    PostgresDump::from_config(serde_json::from_value(example).unwrap(), &()).unwrap();
    let original =
        json!({ "host": "h", "user": "u", "port": 5433, "password": "p", "database": "", "gzip_args": "-3" });
    PostgresDump::from_config(serde_json::from_value(original).unwrap(), &()).unwrap();
}
