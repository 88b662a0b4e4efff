//! Success is stated, never inferred: without an explicit success from the agent, nothing is stored.

use std::sync::Arc;

use bahub_core::engine::RunErrorKind;
use bahub_core::report::Outcome;
use bahub_core::sink::Sink;
use bahub_testkit::fakes::{AgentLie, CopyFile, LyingAgent, MemorySink};
use bahub_testkit::fixtures::EngineRoom;

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_does_not_say_done_leaves_no_version() {
    let lies = [AgentLie::EndsWithoutDone, AgentLie::EndsAtOnce, AgentLie::DoneForAnotherJob, AgentLie::StartsAgain];
    for lie in lies {
        let room = EngineRoom::with_agent(Arc::new(LyingAgent(lie)));
        let sink = MemorySink::new("shop");
        let plan = room.plan(Arc::new(CopyFile::new("/etc/passwd", "")), Arc::new(sink.clone()));

        let ended = room.backup(&plan).await;

        let error = ended.error.expect("a run without Done failed");
        assert_eq!(error.kind(), RunErrorKind::Agent, "{lie:?}: {}", error.chain());
        assert_eq!(ended.report.outcome, Outcome::Failed, "{lie:?}");
        assert!(sink.list().await.unwrap().is_empty(), "{lie:?} left a version");
    }
}
