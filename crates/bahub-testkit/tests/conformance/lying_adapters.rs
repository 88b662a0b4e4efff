//! Every fault of an adapter is found, by the claim that it breaks.

use std::sync::Arc;
use std::time::Duration;

use bahub_testkit::conformance::{self, AdapterContext, Claim, RoundTrip, adapter_claim as claim};
use bahub_testkit::fakes::{AdapterLie, LyingAdapter};

use crate::adapters::OneFile;

fn rejects(lie: AdapterLie, claim: Claim) {
    let adapter = LyingAdapter::new("/srv/shop/data", "hunter22", lie);
    let context = AdapterContext {
        secrets: vec!["hunter22".into()],
        values: vec!["/srv/shop/data".into()],
        ..AdapterContext::default()
    };
    let report = conformance::adapter(&adapter, &context);
    assert!(report.breaks(claim), "{lie:?} is not found by \"{claim}\"; {report}");
}

async fn rejects_in_a_round_trip(lie: AdapterLie, claim: Claim) {
    let folder = tempfile::tempdir().unwrap();
    let data = OneFile(folder.path().join("file"));
    let adapter = Arc::new(LyingAdapter::new(&data.0, "hunter22", lie));
    let how = RoundTrip { secrets: vec!["hunter22".into()], limit: Duration::from_secs(20), ..RoundTrip::default() };
    let report = conformance::adapter_round_trip(adapter, &data, &how).await;
    assert!(report.breaks(claim), "{lie:?} is not found by \"{claim}\"; {report}");
}

#[test]
fn a_password_in_argv_is_rejected() {
    rejects(AdapterLie::PasswordInArgv, claim::LEAKS_NO_SECRET);
}

#[test]
fn a_password_in_the_environment_is_rejected() {
    rejects(AdapterLie::PasswordInEnvironment, claim::LEAKS_NO_SECRET);
}

#[test]
fn a_password_in_literal_input_is_rejected() {
    rejects(AdapterLie::PasswordInLiteral, claim::LEAKS_NO_SECRET);
}

#[test]
fn a_value_in_a_shell_script_is_rejected() {
    rejects(AdapterLie::ValueInShell, claim::NO_SHELL_WITH_VALUES);
}

#[test]
fn an_adapter_that_states_what_it_refuses_or_does_what_it_does_not_state_is_rejected() {
    rejects(AdapterLie::OverstatesItself, claim::CAPABLE_AS_STATED);
    rejects(AdapterLie::UnderstatesItself, claim::CAPABLE_AS_STATED);
}

#[test]
fn an_impure_adapter_is_rejected() {
    rejects(AdapterLie::Impure, claim::PURE);
}

#[test]
fn an_adapter_that_forgives_every_exit_is_rejected() {
    rejects(AdapterLie::ForgivesExits, claim::STEPS_ARE_WHOLE);
}

#[test]
fn a_restore_that_ignores_the_backup_is_rejected() {
    rejects(AdapterLie::IgnoresTheBackup, claim::REPLAY_READS_THE_BACKUP);
}

#[test]
fn a_member_taken_for_an_option_is_rejected() {
    rejects(AdapterLie::MemberIsOption, claim::VALUES_ARE_NO_OPTIONS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_of_garbage_is_rejected() {
    rejects_in_a_round_trip(AdapterLie::RestoresGarbage, claim::COMES_BACK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_is_forgiven_is_rejected() {
    rejects_in_a_round_trip(AdapterLie::ForgivesExits, claim::FAILED_LEAVES_NO_VERSION).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_that_looks_for_nothing_is_rejected() {
    rejects_in_a_round_trip(AdapterLie::ProbesNothing, claim::MISSING_IS_NAMED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_the_process_list_is_rejected() {
    rejects_in_a_round_trip(AdapterLie::PasswordInEnvironment, claim::NO_SECRET_IN_PROC).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_census_that_counts_nothing_is_rejected() {
    rejects_in_a_round_trip(AdapterLie::CountsNothing, claim::CENSUS_COUNTS).await;
}
