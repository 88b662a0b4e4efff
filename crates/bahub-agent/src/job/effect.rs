//! What a restore that broke off after its proof has left: asked, not assumed.

use std::time::Duration;

use bahub_core::link::{Done, Failure, FailureKind};
use bahub_core::replay::{Effect, Replay};
use bahub_core::step::Step;

use super::JobContext;
use super::probe::lines_of;
use super::replay::with_warnings;
use crate::steps::{KillSwitch, within};

/// How long the question may take.
const QUESTION: Duration = Duration::from_secs(60);
/// How long one step of tidying up may take.
const CLEANUP: Duration = Duration::from_secs(3600);
/// How long one step of an undo may take.
const UNDO: Duration = Duration::from_secs(60);

/// How an attempt ended badly.
pub(super) struct Broken {
    pub(super) failure: Failure,
    /// What the proof said, where it came that far: from then on the restore may have taken effect.
    pub(super) proven: Option<Box<Done>>,
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self { failure, proven: None }
    }
}

/// Ends a restore: cleans up after one that has taken effect, undoes one that has not, and leaves everything alone where that
/// cannot be determined.
pub(super) fn settled(replay: &Replay, ended: Result<Done, Broken>, cx: &JobContext) -> Result<Done, Failure> {
    let Broken { failure, proven } = match ended {
        Ok(done) => return Ok(with_warnings(done, cleaned_up(&replay.cleanup, &cx.switch, cx))),
        Err(broken) => broken,
    };
    let why = if cx.cancel.is_cancelled() { "the run was cancelled".to_owned() } else { failure.message.clone() };
    let answer = proven.zip(replay.effect.as_ref()).map(|(done, effect)| (asked(effect, cx), done, effect));
    match answer {
        Some((Answer::Yes, done, _)) => {
            let late = format!("the restore had taken effect before it was broken off: {why}");
            // The job's own switch is tripped by what broke it off.
            let cleaned_up = cleaned_up(&replay.cleanup, &KillSwitch::default(), cx);
            Ok(with_warnings(*done, [vec![late], cleaned_up].concat()))
        }
        Some((Answer::Unclear(reason), _, effect)) => Err(Failure {
            kind: FailureKind::EffectUnknown,
            message: format!("it is unknown whether the restore has taken effect: {why}; and {reason}"),
            help: Some(effect.unclear.clone()),
        }),
        Some((Answer::No, ..)) | None => {
            undo(&replay.undo, cx);
            Err(failure)
        }
    }
}

enum Answer {
    Yes,
    No,
    /// With the reason.
    Unclear(String),
}

fn asked(effect: &Effect, cx: &JobContext) -> Answer {
    // The job's own switch is thrown where the run was cancelled.
    match within(QUESTION, &effect.question, 1024, &KillSwitch::default(), &cx.log()) {
        Err(failure) => Answer::Unclear(failure.to_string()),
        Ok((output, _)) => match lines_of(&output).first().map(String::as_str) {
            Some(Effect::YES) => Answer::Yes,
            Some(Effect::NO) => Answer::No,
            other => Answer::Unclear(format!("the server's state is neither the old nor the new one ({other:?})")),
        },
    }
}

/// Tidies up after a restore that has taken effect; returns what is left to say.
fn cleaned_up(steps: &[Step], switch: &KillSwitch, cx: &JobContext) -> Vec<String> {
    let mut warnings = Vec::new();
    for step in steps {
        if cx.cancel.is_cancelled() {
            warnings.push(
                "the run was cancelled before what the restore replaced was removed: the next run removes it".into(),
            );
            break;
        }
        let done = within(CLEANUP, step, 0, switch, &cx.log());
        match done {
            Ok((_, ended)) => warnings.extend(ended.warnings),
            Err(failure) => warnings.push(format!("the restore is done, but not what comes after it: {failure}")),
        }
    }
    warnings
}

/// Undoes what a failed restore has begun; what cannot be undone is logged, because the failure itself is what is
/// reported.
pub(super) fn undo(steps: &[Step], cx: &JobContext) {
    for step in steps {
        // The job's own switch is thrown, or will be.
        let undone = within(UNDO, step, 0, &KillSwitch::default(), &cx.log());
        if let Err(failure) = undone {
            cx.log()("agent", &format!("the failed restore left something behind: {failure}"));
        }
    }
}
