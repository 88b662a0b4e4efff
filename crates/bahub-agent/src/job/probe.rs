//! Quick steps whose failure has a known meaning.

use std::time::Duration;

use bahub_core::adapter::{Findings, StepEnd, StepFailure};
use bahub_core::link::{Done, Failure, ProbeStep};
use bahub_core::step::Step;

use super::{JobContext, failure};
use crate::steps::{KillSwitch, LogLine, Plug, start};

/// The most output of a probe that is looked at.
const MAX_OUTPUT: u64 = 1024 * 1024;

/// Runs them in order; the first that fails ends the job.
pub(super) async fn run(probes: Vec<ProbeStep>, cx: &JobContext) -> Result<Done, Failure> {
    let mut found = Findings::default();
    for probe in probes {
        let line = first_line(probe.step, Duration::from_secs(probe.limit), cx).await?;
        if let Some(name) = probe.finding {
            found.0.insert(name, line);
        }
    }
    Ok(Done::Probed(found))
}

/// Runs one, and returns all of its lines.
pub(super) async fn lines(probe: ProbeStep, cx: &JobContext) -> Result<Done, Failure> {
    let output = output_of(probe.step, Duration::from_secs(probe.limit), cx).await?;
    Ok(Done::Lines(lines_of(&output)))
}

/// The lines of an output.
pub(super) fn lines_of(output: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(output).lines().map(str::to_owned).collect()
}

async fn first_line(step: Step, limit: Duration, cx: &JobContext) -> Result<String, Failure> {
    let output = output_of(step, limit, cx).await?;
    Ok(String::from_utf8_lossy(&output).lines().next().unwrap_or_default().trim().to_owned())
}

async fn output_of(step: Step, limit: Duration, cx: &JobContext) -> Result<Vec<u8>, Failure> {
    let (name, log) = (step.name(), cx.log());
    // A switch of its own: one probe's time-out kills nothing else.
    let switch = KillSwitch::default();
    let running = tokio::task::spawn_blocking({
        let switch = switch.clone();
        move || output(&step, &switch, &log)
    });
    tokio::pin!(running);
    let ended = tokio::select! {
        ended = &mut running => ended,
        () = cx.cancel.cancelled() => {
            switch.trip();
            let _ = running.await;
            return Err(Failure::cancelled());
        }
        () = tokio::time::sleep(limit) => {
            switch.trip();
            let said = match running.await {
                Ok(Err(failure)) => failure.stderr,
                _ => String::new(),
            };
            return Err(StepFailure::new(name, StepEnd::TimedOut { seconds: limit.as_secs() }).with_stderr(said).into());
        }
    };
    Ok(ended.map_err(|error| failure::thread(&error))??)
}

fn output(step: &Step, switch: &KillSwitch, log: &LogLine) -> Result<Vec<u8>, StepFailure> {
    start(step, Plug::Nothing, Plug::Pipe, switch, log)?.output(MAX_OUTPUT).map(|(output, _)| output)
}
