//! Invalid specs are refused, with the place of the error.

use bahub_adapters::command::Command;
use bahub_core::registry::Component;
use serde_json::{Value, json};

use super::support::merged;

fn wrong(more: Value) -> Vec<String> {
    let spec = merged(json!({ "capture": ["a"], "restore": ["b"] }), more);
    let errors = Command::from_config(serde_json::from_value(spec).unwrap(), &()).expect_err("it is refused");
    assert!(errors.iter().all(|error| !error.message.is_empty() && error.help.is_some()));
    errors.into_iter().map(|error| error.pointer).collect()
}

#[test]
fn all_errors_are_reported_at_once() {
    let several = json!({
        "capture": [], "restore": " ", "secrets": { "s": "x", "unused": "y" }, "secret_on_stdin": "none",
        "counts": ["c", "{secret:s}", "{secret:none}"], "ok_exit_codes": [], "warn_exit_codes": [1, 137, -1], "trailer": "", "env": { "a=b": "" },
    });
    let expected = [
        "/capture",
        "/restore",
        "/counts/2",
        "/secrets/unused",
        "/secret_on_stdin",
        "/warn_exit_codes/1",
        "/warn_exit_codes/2",
        "/ok_exit_codes",
        "/env/a=b",
        "/trailer",
    ];
    assert_eq!(wrong(several), expected);
    let secrets = json!({ "s": "x", "t": "y" });
    for word in ["{secret:s}more", "{secret:s}{secret:t}", "{secret:s", "a\0b"] {
        let more =
            json!({ "capture": ["a", word], "preflight": ["p", "{secret:s}", "{secret:t}"], "secrets": secrets });
        assert_eq!(wrong(more), ["/capture/1"], "{word}");
    }
}

#[test]
fn the_example_is_accepted_and_braces_of_other_languages_too() {
    let example: Value = serde_yaml::from_str(Command::EXAMPLE).unwrap();
    Command::from_config(serde_json::from_value(example).unwrap(), &()).unwrap();
    let awk = json!({ "capture": ["awk", "{ print $1 } {name}"], "restore": "awk '{ print }'" });
    Command::from_config(serde_json::from_value(awk).unwrap(), &()).unwrap();
}
