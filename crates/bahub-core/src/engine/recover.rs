//! Mending what dead runs left.

use super::ended::{Run, close};
use super::{Ended, Engine, RunError};
use crate::plan::Plan;
use crate::run::RunContext;

impl Engine {
    /// Mends what dead runs left in the place of this plan; never touches what a live run holds.
    pub async fn recover(&self, plan: &Plan, cx: &RunContext) -> Ended {
        let mut run = Run::start("recover", None, cx);
        let result = match plan.transport.recover(cx).await {
            Ok(recovered) => {
                run.report.recovered = recovered;
                Ok(())
            }
            Err(error) => Err(RunError::from(error)),
        };
        if let Ok(orphans) = plan.sink.orphans().await {
            for orphan in orphans {
                run.warn(format!(
                    "{} ({} bytes) is named by no version: a killed run left it",
                    orphan.location, orphan.size
                ));
            }
        }
        let ended = run.end(result, cx).await;
        close(plan).await;
        ended
    }
}
