//! Every lie of a sink is found, by the claim that it breaks.

use bahub_testkit::conformance::{self, Claim, sink_claim as claim};
use bahub_testkit::fakes::{LyingSink, SinkLie};

async fn rejects(lie: SinkLie, claim: Claim) {
    let report = conformance::sink(async || LyingSink::shared(lie), &["hunter22"]).await;
    assert!(report.breaks(claim), "{lie:?} is not found by \"{claim}\"; {report}");
}

#[tokio::test]
async fn a_sink_that_commits_early_is_rejected() {
    rejects(SinkLie::CommitsEarly, claim::INVISIBLE_BEFORE_COMMIT).await;
}

#[tokio::test]
async fn a_sink_that_drops_the_last_chunk_is_rejected() {
    rejects(SinkLie::DropsLastChunk, claim::COMES_BACK_WHOLE).await;
}

#[tokio::test]
async fn a_sink_that_stores_nothing_is_rejected() {
    rejects(SinkLie::StoresNothing, claim::COMES_BACK_WHOLE).await;
}

#[tokio::test]
async fn a_sink_that_keeps_an_aborted_upload_is_rejected() {
    rejects(SinkLie::KeepsAborted, claim::ABORT_LEAVES_NOTHING).await;
}

#[tokio::test]
async fn a_sink_that_keeps_a_dropped_upload_is_rejected() {
    rejects(SinkLie::KeepsDropped, claim::DROP_LEAVES_NOTHING).await;
}

#[tokio::test]
async fn a_sink_that_forgets_is_rejected() {
    rejects(SinkLie::Forgets, claim::NUMBERS_GROW).await;
}

#[tokio::test]
async fn a_sink_that_lists_backwards_is_rejected() {
    rejects(SinkLie::ListsBackwards, claim::NUMBERS_GROW).await;
}

#[tokio::test]
async fn a_sink_that_truncates_reads_is_rejected() {
    rejects(SinkLie::TruncatesReads, claim::COMES_BACK_WHOLE).await;
}

#[tokio::test]
async fn a_sink_that_reuses_a_number_is_rejected() {
    rejects(SinkLie::ReusesTheNumber, claim::NUMBERS_GROW).await;
    rejects(SinkLie::ReusesTheNumber, claim::TWO_AT_ONCE).await;
}

#[tokio::test]
async fn a_sink_that_opens_anything_is_rejected() {
    rejects(SinkLie::OpensAnything, claim::ABSENT_IS_NOT_FOUND).await;
}

#[tokio::test]
async fn a_sink_that_removes_all_is_rejected() {
    rejects(SinkLie::RemovesAll, claim::REMOVES_EXACTLY_ONE).await;
}

#[tokio::test]
async fn a_sink_that_miscounts_is_rejected() {
    rejects(SinkLie::MiscountsInReceipt, claim::FACTS_AGREE).await;
}

#[tokio::test]
async fn a_sink_that_forgets_what_is_missing_is_rejected() {
    rejects(SinkLie::ForgetsWhatIsMissing, claim::STATES_WHAT_IS_PARTIAL).await;
}

#[tokio::test]
async fn a_sink_whose_identity_changes_is_rejected() {
    rejects(SinkLie::WandersOff, claim::IDENTITY_IS_STABLE).await;
}

#[tokio::test]
async fn a_sink_that_reveals_its_password_is_rejected() {
    rejects(SinkLie::LeaksPassword("hunter22"), claim::LEAKS_NO_SECRET).await;
}
