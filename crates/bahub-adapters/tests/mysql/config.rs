//! Invalid specs are refused, with the place of the error.

use bahub_adapters::mysql::Mysql;
use bahub_core::registry::Component;
use serde_json::{Value, json};

fn wrong(spec: Value) -> Vec<String> {
    let errors = Mysql::from_config(serde_json::from_value(spec).unwrap(), &()).expect_err("it is refused");
    assert!(errors.iter().all(|error| !error.message.is_empty()));
    errors.into_iter().map(|error| error.pointer).collect()
}

#[test]
fn all_errors_are_reported_at_once() {
    let spec = json!({
        "host": "", "user": "", "database": "a", "databases": ["b"], "users": true, "exclude_tables": ["a.b", ""], "extra_args": ["--result-file=/x", "--order-by-primary"],
    });
    assert_eq!(wrong(spec), ["/host", "/user", "/databases", "/exclude_tables/1", "/extra_args/0"]);
    assert_eq!(wrong(json!({ "host": "h", "socket": "/s", "user": "u" })), ["/socket"]);
    assert_eq!(wrong(json!({ "socket": "s", "user": "u" })), ["/socket"]);
    assert_eq!(wrong(json!({ "host": "h", "user": "u", "database": "mysql" })), ["/databases"]);
    assert_eq!(wrong(json!({ "host": "h", "user": "u", "database": "a", "users": true })), ["/users"]);
    assert_eq!(wrong(json!({ "host": "h", "user": "u", "exclude_tables": ["t"] })), ["/exclude_tables/0"]);
    assert_eq!(
        wrong(json!({ "host": "h", "user": "u", "database": "a", "exclude_databases": ["b"] })),
        ["/exclude_databases"]
    );
}

#[test]
fn the_example_and_the_original_s_spec_are_accepted() {
    let example: Value = serde_yaml::from_str(Mysql::EXAMPLE).unwrap();
    Mysql::from_config(serde_json::from_value(example).unwrap(), &()).unwrap();
    let original =
        json!({ "host": "db", "port": 3306, "user": "root", "password": "root", "database": "", "gzip_args": "-3" });
    Mysql::from_config(serde_json::from_value(original).unwrap(), &()).unwrap();
}
