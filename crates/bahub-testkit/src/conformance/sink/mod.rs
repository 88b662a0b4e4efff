//! The suite for any sink.

pub mod claim;

mod message;
mod numbers;
mod partial;
mod secrets;
mod visible;
mod whole;

use std::sync::Arc;
use std::time::Duration;

use bahub_core::sink::Sink;

use super::Report;

/// How long one claim may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Checks a sink against [`claim::ALL`].
///
/// `fresh` creates a sink for an empty, otherwise unused collection, a different one at each call. `secrets` are the secrets
/// with which the sinks were created.
///
/// ```
/// use bahub_testkit::conformance::{self, sink_claim};
/// use bahub_testkit::fakes::MemorySink;
///
/// # #[tokio::main]
/// # async fn main() {
/// let report = conformance::sink(async || MemorySink::shared("shop"), &["hunter22"]).await;
/// report.assert_conforms();
/// assert_eq!(report.held(), sink_claim::ALL);
/// # }
/// ```
pub async fn sink<F>(fresh: F, secrets: &[&str]) -> Report
where
    F: AsyncFn() -> Arc<dyn Sink>,
{
    let mut report = Report::of("sink");
    report.check(claim::COMES_BACK_WHOLE, LIMIT, async { whole::comes_back(&*fresh().await).await }).await;
    report.check(claim::FACTS_AGREE, LIMIT, async { whole::facts_agree(&*fresh().await).await }).await;
    report.check(claim::INVISIBLE_BEFORE_COMMIT, LIMIT, async { visible::before_commit(&*fresh().await).await }).await;
    report.check(claim::ABORT_LEAVES_NOTHING, LIMIT, async { visible::after_abort(&*fresh().await).await }).await;
    report.check(claim::DROP_LEAVES_NOTHING, LIMIT, async { visible::after_drop(&*fresh().await).await }).await;
    report.check(claim::NUMBERS_GROW, LIMIT, async { numbers::grow(&*fresh().await).await }).await;
    report.check(claim::TWO_AT_ONCE, LIMIT, async { numbers::two_at_once(&*fresh().await).await }).await;
    report.check(claim::ABSENT_IS_NOT_FOUND, LIMIT, async { numbers::absent(&*fresh().await).await }).await;
    report.check(claim::REMOVES_EXACTLY_ONE, LIMIT, async { numbers::removed(&*fresh().await).await }).await;
    report.check(claim::STATES_WHAT_IS_PARTIAL, LIMIT, async { partial::stated(&*fresh().await).await }).await;
    report
        .check(claim::IDENTITY_IS_STABLE, LIMIT, async { secrets::identity(&*fresh().await, &*fresh().await).await })
        .await;
    report.check(claim::LEAKS_NO_SECRET, LIMIT, async { secrets::none_leaked(&*fresh().await, secrets).await }).await;
    report
}
