//! A configuration can use what our crates register.

use bahub_testkit::conformance::{self, registration_claim};

#[test]
fn our_components_are_registered_well() {
    for register in [bahub_adapters::register, bahub_transports::register, bahub_sinks::register] {
        let report = conformance::registration(register);
        report.assert_conforms();
        assert_eq!(report.held(), registration_claim::ALL);
    }
}

#[test]
fn a_type_that_is_registered_twice_is_rejected() {
    let report = conformance::registration(|builder| {
        bahub_adapters::register(builder);
        bahub_adapters::register(builder);
    });
    assert!(report.breaks(registration_claim::NO_DUPLICATES), "{report}");
}
