//! The JSON Schema for editors.

use bahub_core::config::schema;
use bahub_core::registry::RegistryBuilder;
use serde_json::{Value, json};

use crate::fakes;

fn accepts(value: &Value) -> bool {
    jsonschema::validator_for(&schema(&fakes::registry())).expect("it is a schema").is_valid(value)
}

fn seed() -> Value {
    serde_yaml::from_str(include_str!("../data/seed-config.yaml")).expect("it is YAML")
}

/// The seed with one value replaced.
fn changed(pointer: &str, value: Value) -> Value {
    let mut seed = seed();
    *seed.pointer_mut(pointer).expect("the seed has it") = value;
    seed
}

#[test]
fn it_is_a_valid_schema_that_accepts_the_seed_file() {
    let schema = schema(&fakes::registry());
    assert!(jsonschema::meta::is_valid(&schema));
    assert!(accepts(&seed()));
    assert!(accepts(&json!({})));
}

#[test]
fn it_refuses_what_loading_refuses() {
    const MYSQL: &str = "/backups/db_mysql_something";
    assert!(!accepts(&json!({ "acesses": {} })));
    assert!(!accepts(&changed(&format!("{MYSQL}/spec"), json!({ "host": "h", "user": "u", "prot": 1 }))));
    assert!(!accepts(&changed(&format!("{MYSQL}/spec"), json!({ "host": "h" }))));
    assert!(!accepts(&changed(&format!("{MYSQL}/spec/port"), json!("many"))));
    assert!(!accepts(&changed(&format!("{MYSQL}/meta/type"), json!("bahub.adapters.mysq"))));
    assert!(!accepts(&changed("/accesses/my_local_instance/token", json!(5))));
    assert!(!accepts(&changed("/accesses/my_local_instance", json!({ "url": "https://a", "tokne": "x" }))));
    assert!(!accepts(&changed("/transports/side_docker_fs/spec", json!({}))));
    assert!(!accepts(&changed("/transports/local/spec", json!({ "x": 1 }))));
}

#[test]
fn a_variable_may_stand_for_any_scalar() {
    let variable = json!("${X}");
    for pointer in [
        "/backups/db_mysql_something/spec/port",
        "/backups/db_mysql_something/meta/access",
        "/transports/side_docker_fs/spec/pull",
        "/notifiers/silent/type",
        "/accesses/my_local_instance/url",
    ] {
        assert!(accepts(&changed(pointer, variable.clone())), "{pointer}");
    }
    assert!(!accepts(&changed("/backups/fs_kubernetes_pod/spec/paths", variable)));
}

#[test]
fn it_describes_fields_for_people() {
    let text = schema(&fakes::registry()).to_string();
    assert!(text.contains("The server's name or address."));
    assert!(text.contains("The time limit of a run"));
    assert!(text.contains("bahub.transports.temporarydocker"));
}

#[test]
fn a_spec_that_speaks_of_itself_keeps_its_references() {
    let mut builder = RegistryBuilder::new();
    builder.adapter::<fakes::Nested>();
    let schema = schema(&builder.build().unwrap());
    let validator = jsonschema::validator_for(&schema).unwrap();
    let backup = |spec: Value| {
        let meta = json!({ "type": "acme.nested", "access": "a", "encryption": "e", "transport": "t" });
        json!({ "backups": { "b": { "meta": meta, "spec": spec } } })
    };
    assert!(validator.is_valid(&backup(json!({ "inner": { "inner": { "port": "${P}" } } }))));
    assert!(!validator.is_valid(&backup(json!({ "inner": { "inner": { "prot": 1 } } }))));
}
