//! Mending what dead runs left.

use super::backup::unless_cancelled;
use super::ended::{Run, close};
use super::{Ended, Engine, RunError};
use crate::plan::Plan;
use crate::run::RunContext;
use crate::sink::SinkErrorKind;

impl Engine {
    /// Mends what dead runs left in the place of this plan; never touches what a live run holds.
    pub async fn recover(&self, plan: &Plan, cx: &RunContext) -> Ended {
        let mut run = Run::start("recover", None, cx);
        let result = self.recovered(plan, cx, &mut run).await;
        let ended = run.end(result).await;
        close(plan).await;
        ended
    }

    async fn recovered(&self, plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<(), RunError> {
        // What was stopped comes before what lies in the store.
        if plan.adapter.sweep().is_some() {
            self.in_place(plan, cx, run, async |_, agent, run| {
                run.report.recovered.extend(agent.swept(plan.adapter.as_ref(), cx).await?);
                Ok(())
            })
            .await?;
        } else {
            run.report.recovered = unless_cancelled(cx, plan.transport.recover(cx)).await?;
        }
        orphans(plan, cx, run).await
    }
}

async fn orphans(plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<(), RunError> {
    let orphans = match unless_cancelled(cx, async { Ok::<_, RunError>(plan.sink.orphans().await) }).await? {
        Ok(orphans) => orphans,
        // Keys that may only write are right for a backup.
        Err(error) if *error.kind() == SinkErrorKind::Forbidden => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for orphan in orphans {
        run.warn(format!("{} ({} bytes) is named by no version: a killed run left it", orphan.location, orphan.size));
    }
    Ok(())
}
