//! Every lie of a transport is found, by the claim that it breaks.

use std::sync::Arc;
use std::time::Duration;

use bahub_testkit::conformance::{self, Claim, TransportOptions, transport_claim as claim};
use bahub_testkit::fakes::{FakeWorkload, LyingTransport, TransportLie, WorkloadTransport};

/// A folder that does not belong to the fake workload.
const FOREIGN: &str = "/foreign";

async fn rejects(lie: TransportLie, claims: &[Claim]) {
    let workload = FakeWorkload::default();
    let options = TransportOptions {
        volume: 4 << 20,
        limit: Duration::from_secs(10),
        foreign_paths: vec![FOREIGN.into()],
        workload: Some(Arc::new(workload.clone())),
        ..TransportOptions::default()
    };
    let liar = LyingTransport::new(lie).about(WorkloadTransport::new(&workload).with_foreign(FOREIGN));
    let report = conformance::transport(Arc::new(liar), &options).await;
    for claim in claims {
        assert!(report.breaks(*claim), "{lie:?} is not found by \"{claim}\"; {report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_stream_with_status_0_is_rejected() {
    rejects(TransportLie::CutsAndSaysZero, &[claim::BYTES_OUT, claim::BYTES_BOTH_WAYS]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_tail_is_rejected() {
    rejects(TransportLie::LosesTheTail, &[claim::BYTES_OUT, claim::BYTES_BOTH_WAYS]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_outputs_are_rejected() {
    rejects(TransportLie::MergesStderr, &[claim::STDERR_APART]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_reported_as_0_is_rejected() {
    rejects(TransportLie::SignalIsZero, &[claim::SIGNAL_IS_NO_SUCCESS]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flattened_exit_codes_are_rejected() {
    rejects(TransportLie::FlattensExitCodes, &[claim::EXIT_CODES]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_program_reported_as_0_is_rejected() {
    rejects(TransportLie::MissingIsZero, &[claim::MISSING_IS_NO_SUCCESS]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transport_that_hangs_on_a_flood_of_stderr_is_rejected() {
    rejects(TransportLie::HangsOnFlood, &[claim::STDERR_DOES_NOT_BLOCK]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_never_ends_is_rejected() {
    rejects(TransportLie::KeepsStdinOpen, &[claim::STDIN_ENDS]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_program_that_lives_is_rejected() {
    rejects(TransportLie::LeavesDropped, &[claim::DROP_KILLS]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placed_file_that_stays_is_rejected() {
    rejects(TransportLie::LeavesPlacedFiles, &[claim::CLOSE_REMOVES_FILES, claim::PLACED_PRIVATELY]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_stays_is_rejected() {
    rejects(TransportLie::LeavesPrograms, &[claim::CLOSE_LEAVES_NO_PROGRAM]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_share_a_place_are_rejected() {
    rejects(TransportLie::SharesOnePlace, &[claim::SESSIONS_ARE_APART]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_instance_each_time_is_found() {
    rejects(TransportLie::ChangesInstance, &[claim::SAME_INSTANCE]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_path_that_is_taken_for_its_own_is_found() {
    rejects(TransportLie::OwnsEverything, &[claim::FOREIGN_PATHS]).await;
    rejects(TransportLie::AnswersForTheFirst, &[claim::FOREIGN_PATHS]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_that_ran_meanwhile_or_comes_back_late_or_never_is_found() {
    rejects(TransportLie::IsAlwaysQuiet, &[claim::FLIPS_ARE_NOTICED]).await;
    rejects(TransportLie::ResumesLate, &[claim::RESUME_BRINGS_BACK]).await;
    rejects(TransportLie::LeavesDown, &[claim::RESUME_BRINGS_BACK]).await;
}
