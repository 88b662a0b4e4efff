//! Invalid specs are refused, with the place of the error; and what a target cannot be.

use bahub_adapters::sqlite::Sqlite;
use bahub_core::adapter::{Adapter, StepEnd, StepFailure};
use bahub_core::registry::Component;
use bahub_core::replay::{ReplayTarget, Stored};
use serde_json::{Value, json};

use super::support::adapter;

#[test]
fn a_path_that_is_no_file_s_is_refused() {
    for path in ["app.db", "", "/", "/srv/", "/srv/../app.db", "/srv/./app.db", "/a\nb", "/a\0b"] {
        let errors = Sqlite::from_config(serde_json::from_value(json!({ "path": path })).unwrap(), &()).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.pointer.as_str()).collect::<Vec<_>>(), ["/path"], "{path:?}");
        assert!(errors[0].help.is_some(), "{path:?}");
    }
}

#[test]
fn the_example_is_accepted() {
    let example: Value = serde_yaml::from_str(Sqlite::EXAMPLE).unwrap();
    Sqlite::from_config(serde_json::from_value(example).unwrap(), &()).unwrap();
}

#[test]
fn a_restore_in_place_is_refused_with_a_way_out() {
    let target = ReplayTarget { in_place: true, ..ReplayTarget::default() };
    let adapter = adapter(std::path::Path::new("/srv/app.db"), json!({}));
    let refused = adapter.replay(&target, &Default::default(), &Stored::default()).unwrap_err();
    assert!(refused.help.contains("copy that takes the name"), "{refused}");
}

#[test]
fn a_missing_program_is_named_with_its_package() {
    let adapter = adapter(std::path::Path::new("/srv/app.db"), json!({}));
    let missing = adapter.explain(&StepFailure::new("sqlite3", StepEnd::NotFound)).unwrap();
    assert!(missing.cause.contains("sqlite3 was not found"), "{}", missing.cause);
}
