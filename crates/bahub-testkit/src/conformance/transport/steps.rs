//! The guarantees of an agent's steps, wherever it runs.

use std::io::Read;

use bahub_core::adapter::{Findings, StepEnd};
use bahub_core::capture::Capture;
use bahub_core::compression::{Algorithm, Compression};
use bahub_core::keys::{Keys, MAX_HEAD, MessageFormat};
use bahub_core::link::{CaptureJob, FailureKind, FromAgent, Job, ProbeStep, Route, ToAgent};
use bahub_core::sink::{Encoding, NewVersion};
use bahub_core::step::{Exit, Step};
use bahub_crypto::{Decryptor, OpenPgpKeys};

use super::super::report::Checked;
use super::agent::Agent;
use super::lifeline::{HOLD_AS_TREE, Lifeline};
use super::{Trial, close};
use crate::fixtures::KeyPair;

fn capture(step: Step, keys: &KeyPair) -> Checked<Job> {
    let recipients = OpenPgpKeys.recipients(&keys.spec()).map_err(|error| error.chain())?;
    Ok(Job::Capture(Box::new(CaptureJob {
        capture: Capture::of(step),
        compression: Compression::new(Algorithm::None),
        recipients,
        format: MessageFormat::default(),
        encoding: Encoding::Binary,
        route: Route::Relayed,
        version: NewVersion::new(jiff::Timestamp::now(), "bahub.conformance"),
        tools: Findings::default(),
        census: None,
    })))
}

/// One argument with every byte that an argument can contain, each byte alone, and arguments special to a shell or an option
/// parser.
fn odd_arguments() -> Vec<Vec<u8>> {
    let mut odd: Vec<Vec<u8>> = vec![(1..=255).collect(), Vec::new()];
    odd.extend((1..=255).map(|byte| vec![byte]));
    odd.extend(["a b", " x ", "$(id)", "`id`", "'", "\"", "\\", "-n", "--", "*", "~", "\n\n"].map(|text| text.into()));
    odd
}

pub(super) async fn arguments(trial: &Trial<'_>) -> Checked {
    let mut session = trial.open().await?;
    let keys = KeyPair::generate();
    let odd = odd_arguments();
    let mut agent = Agent::start(session.as_mut(), trial.options).await?;
    let answer = agent.job(capture(Step::new("printf").arg("%s\\0").args(&odd), &keys)?).await?;
    ensure!(matches!(answer.end, FromAgent::Done(_)), "printf came to {:?}", answer.end);
    let head = &answer.data[..answer.data.len().min(MAX_HEAD)];
    let key = OpenPgpKeys.unlock(&keys.spec(), head).map_err(|error| error.chain())?;
    let mut arrived = Vec::new();
    let mut decryptor = Decryptor::new(answer.data.as_slice(), &key).map_err(|error| error.to_string())?;
    decryptor.read_to_end(&mut arrived).map_err(|error| error.to_string())?;
    let expected = odd.iter().flat_map(|arg| arg.iter().copied().chain([0])).collect::<Vec<u8>>();
    if arrived != expected {
        let arrived: Vec<&[u8]> = arrived.split(|byte| *byte == 0).collect();
        let first = odd.iter().zip(&arrived).find(|(sent, arrived)| sent.as_slice() != **arrived);
        return Err(format!("{} arguments became {}; the first that differs: {first:?}", odd.len(), arrived.len() - 1));
    }
    drop(agent);
    close(session).await
}

pub(super) async fn ends(trial: &Trial<'_>) -> Checked {
    let mut session = trial.open().await?;
    let mut agent = Agent::start(session.as_mut(), trial.options).await?;
    let codes = [1, 2, 100, 126, 127, 255].map(|code| (format!("exit {code}"), Exit::Code(code)));
    // None that nohup or a background job of a shell ignores.
    let signals = [9, 10, 13, 14, 15].map(|signal| (format!("kill -{signal} $$; sleep 60"), Exit::Signal(signal)));
    for (script, expected) in codes.into_iter().chain(signals) {
        let step = Step::new("sh").arg("-c").arg(format!("echo its words >&2; {script}"));
        let answer = agent.job(Job::Probe(vec![ProbeStep { step, finding: None, limit: 10 }])).await?;
        let FromAgent::Failed(failure) = answer.end else { return Err(format!("{script:?} came to {:?}", answer.end)) };
        let FailureKind::Step(failure) = failure.kind else { return Err(format!("{script:?} came to {failure:?}")) };
        ensure!(failure.end == StepEnd::Ended(expected), "{script:?} is reported as {:?}", failure.end);
        ensure!(failure.stderr.contains("its words"), "{script:?} lost its words: {:?}", failure.stderr);
    }
    let absent = Step::new("bahub-conformance-no-such-program");
    let answer = agent.job(Job::Probe(vec![ProbeStep { step: absent, finding: None, limit: 10 }])).await?;
    let end = format!("{:?}", answer.end);
    ensure!(end.contains("NotFound") && end.contains("no-such-program"), "a missing program is reported as {end}");
    drop(agent);
    close(session).await
}

pub(super) async fn cancel_kills(trial: &Trial<'_>) -> Checked {
    tree_dies(trial, "the cancellation", async |mut agent| {
        agent.send(&ToAgent::Cancel)?;
        let answer = agent.end().await?;
        let FromAgent::Failed(failure) = &answer.end else { return Err(format!("it came to {:?}", answer.end)) };
        ensure!(failure.kind == FailureKind::Cancelled, "a cancelled job failed with {failure:?}");
        Ok(Some(agent))
    })
    .await
}

pub(super) async fn lost_link_kills(trial: &Trial<'_>) -> Checked {
    tree_dies(trial, "the link was lost", async |agent| {
        drop(agent);
        Ok(None)
    })
    .await
}

async fn tree_dies(trial: &Trial<'_>, after: &str, end: impl AsyncFnOnce(Agent) -> Checked<Option<Agent>>) -> Checked {
    let (mut session, mut witness) = (trial.open().await?, trial.open().await?);
    let keys = KeyPair::generate();
    let lifeline = Lifeline::make(witness.as_mut(), &trial.options.scratch).await?;
    let agent = Agent::start(session.as_mut(), trial.options).await?;
    let step = Step::new("sh").arg("-c").arg(HOLD_AS_TREE).arg("sh").arg(lifeline.path());
    agent.begin(capture(step, &keys)?)?;
    let watched = lifeline.watch(witness.as_mut()).await?;
    let agent = end(agent).await?;
    let ended = watched.ended(witness.as_mut(), after).await;
    drop(agent);
    ended.and(close(session).await).and(close(witness).await)
}
