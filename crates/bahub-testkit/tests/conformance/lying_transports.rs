//! Every lie of a transport is found, by the claim that it breaks.

use std::sync::Arc;
use std::time::Duration;

use bahub_testkit::conformance::{self, Claim, TransportOptions, transport_claim as claim};
use bahub_testkit::fakes::{LyingTransport, TransportLie};

async fn rejects(lie: TransportLie, claims: &[Claim]) {
    let options = TransportOptions { volume: 4 << 20, limit: Duration::from_secs(10), ..TransportOptions::default() };
    let report = conformance::transport(Arc::new(LyingTransport::new(lie)), &options).await;
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
async fn a_signal_told_as_0_is_rejected() {
    rejects(TransportLie::SignalIsZero, &[claim::SIGNAL_IS_NO_SUCCESS]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flattened_exit_codes_are_rejected() {
    rejects(TransportLie::FlattensExitCodes, &[claim::EXIT_CODES]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_program_told_as_0_is_rejected() {
    rejects(TransportLie::MissingIsZero, &[claim::MISSING_IS_NO_SUCCESS]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transport_that_hangs_on_a_flood_of_stderr_is_rejected() {
    rejects(TransportLie::HangsOnFlood, &[claim::STDERR_DOES_NOT_BLOCK]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_without_an_end_is_rejected() {
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
