//! Invalid specs are refused, with the place of the error.

use bahub_adapters::redis::Redis;
use bahub_core::registry::Component;
use serde_json::{Value, json};

fn wrong(spec: Value) -> Vec<String> {
    let errors = Redis::from_config(serde_json::from_value(spec).unwrap(), &()).expect_err("it is refused");
    assert!(errors.iter().all(|error| !error.message.is_empty() && error.help.is_some()));
    errors.into_iter().map(|error| error.pointer).collect()
}

#[test]
fn all_errors_are_reported_at_once() {
    assert_eq!(wrong(json!({ "user": "u", "work_folder": "tmp" })), ["/host", "/password", "/work_folder"]);
    assert_eq!(wrong(json!({ "host": "h", "socket": "/s" })), ["/socket"]);
    assert_eq!(wrong(json!({ "socket": "s" })), ["/socket"]);
    assert_eq!(wrong(json!({ "socket": "/s", "tls": {} })), ["/tls"]);
    assert_eq!(wrong(json!({ "host": "-h" })), ["/host"]);
    assert_eq!(wrong(json!({ "host": "h", "password": "a\nb" })), ["/password"]);
    assert_eq!(wrong(json!({ "host": "h", "work_folder": format!("/{}", "x".repeat(50)) })), ["/work_folder"]);
}

#[test]
fn the_example_is_accepted() {
    let example: Value = serde_yaml::from_str(Redis::EXAMPLE).unwrap();
    Redis::from_config(serde_json::from_value(example).unwrap(), &()).unwrap();
}
