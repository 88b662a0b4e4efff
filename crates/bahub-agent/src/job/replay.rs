//! Putting a backup back: programs before, the programs that read it, programs after.

use bahub_core::adapter::StepFailure;
use bahub_core::link::{Done, Failure, FailureKind};
use bahub_core::replay::{Replay, SegmentReplay};
use bahub_core::step::{Stdin, Step};

use super::effect::{Broken, settled};
use super::pipeline::Pipeline;
use super::plain::{Plain, READ, ended_whole, measure, part_whole, read_segment, read_some};
use super::{JobContext, failure};
use crate::steps::{Child, KillSwitch, Plug, start};
use crate::stream::Content;

/// Runs the restore. `prove` states that the message was read to its end and is the right one; only then the reading
/// programs get the end of their input, and what follows it.
pub(super) fn run(
    replay: &Replay,
    mut plain: Plain,
    cx: &JobContext,
    prove: impl FnOnce(Content) -> Result<Done, Failure>,
) -> Result<Done, Failure> {
    let _beside = replay.beside.as_ref().map(|step| Beside::start(step, cx)).transpose()?;
    let warnings = each(&replay.before, cx)?;
    let restored = attempt(replay, warnings, &mut plain, cx, prove);
    settled(replay, restored, cx)
}

fn attempt(
    replay: &Replay,
    mut warnings: Vec<String>,
    plain: &mut Plain,
    cx: &JobContext,
    prove: impl FnOnce(Content) -> Result<Done, Failure>,
) -> Result<Done, Broken> {
    let mut open = Vec::new();
    let fed = match replay.segments.as_slice() {
        [] => whole(&replay.main, plain, cx, &mut open),
        segments => each_segment(segments, plain, cx, &mut open).map(|told| warnings.extend(told)),
    };
    let ended = fed.and_then(|()| ended_whole(plain, replay.trailer.as_ref()));
    let proven = ended.and_then(|()| prove(plain.content().clone()));
    if proven.is_err() {
        // Killed before its input ends: an end would complete what was not proven.
        cx.switch.trip();
    }
    let mut completed = Ok(Vec::new());
    for pipeline in open {
        completed = match (pipeline.complete(), completed) {
            (Ok(told), Ok(before)) => Ok([before, told].concat()),
            (_, Err(failure)) | (Err(failure), Ok(_)) => {
                // What comes after it must not be completed.
                cx.switch.trip();
                Err(failure)
            }
        };
    }
    let done = proven?;
    // Where programs run after these, the restore takes effect only there.
    if !replay.after.is_empty() {
        completed.as_ref().map_err(|failure| failure.clone())?;
    }
    let completed = completed.and_then(|before| Ok([before, each_pipeline(&replay.after, cx)?].concat()));
    match completed {
        Ok(more) => Ok(with_warnings(done, [warnings, more].concat())),
        Err(failure) => Err(Broken { failure, proven: Some(Box::new(with_warnings(done, warnings))) }),
    }
}

/// Feeds the backup to its programs. Programs that stop reading are left alone, and the message read to its end all the
/// same: their exit status shows whether they had enough.
fn whole<'a>(
    main: &'a [Step],
    plain: &mut Plain,
    cx: &JobContext,
    open: &mut Vec<Pipeline<'a>>,
) -> Result<(), Failure> {
    let mut pipeline = Pipeline::start(main, cx)?;
    let fed = pipeline.feed(|room| read_some(plain, cx, room));
    open.push(pipeline);
    fed?;
    measure(plain, cx, |_| Ok(())).map_err(|error| failure::reading(&error))
}

/// Feeds each segment to its programs; those whose input goes on after the proof stay open.
fn each_segment<'a>(
    segments: &'a [SegmentReplay],
    plain: &mut Plain,
    cx: &JobContext,
    open: &mut Vec<Pipeline<'a>>,
) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    let mut missing: Vec<_> = segments.iter().collect();
    loop {
        // What comes before the first segment, or belongs to none that is wanted, or is not wanted by its programs.
        let mut rest = vec![0; READ];
        while read_segment(plain, cx, &mut rest).map_err(|error| failure::reading(&error))? > 0 {}
        let Some(name) = plain.next_segment() else { break };
        let Some(at) = missing.iter().position(|part| part.name == name) else { continue };
        let part = missing.remove(at);
        let of_part = |failure: Failure| failure.in_part(Some(&part.name));
        warnings.extend(each(&part.before, cx).map_err(of_part)?);
        let mut pipeline = Pipeline::start(&part.main, cx).map_err(|failure| of_part(failure.into()))?;
        let fed = pipeline.feed(|room| read_segment(plain, cx, room));
        let fed = fed.and_then(|()| part_whole(plain, &part.name));
        if fed.is_err() || part.main.iter().any(has_suffix) {
            open.push(pipeline);
            fed?;
        } else {
            warnings.extend(pipeline.complete().map_err(of_part)?);
        }
    }
    match missing.first() {
        Some(part) => Err(Failure::new(
            FailureKind::Integrity,
            format!("the backup lists a part {:?} that it does not contain", part.name),
        )),
        None => Ok(warnings),
    }
}

fn has_suffix(step: &Step) -> bool {
    matches!(&step.stdin, Stdin::Backup { suffix, .. } if !suffix.0.is_empty())
}

/// With more warnings.
pub(super) fn with_warnings(done: Done, more: Vec<String>) -> Done {
    match done {
        Done::Read { plain, stored, sha256, compression, facts, prefix, suffix, mut warnings } => {
            warnings.extend(more);
            Done::Read { plain, stored, sha256, compression, facts, prefix, suffix, warnings }
        }
        other => other,
    }
}

/// A program that runs beside the others and is killed with this.
struct Beside {
    child: Option<Child>,
    switch: KillSwitch,
}

impl Beside {
    fn start(step: &Step, cx: &JobContext) -> Result<Self, StepFailure> {
        // Not the job's own switch: it outlives the programs of a job that is cancelled, until what they did is undone.
        let switch = KillSwitch::default();
        let child = start(step, Plug::Nothing, Plug::Nothing, &switch, &cx.log())?;
        Ok(Self { child: Some(child), switch })
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.switch.trip();
        // It was killed: how it ended says nothing.
        let _ = self.child.take().map(Child::wait);
    }
}

/// Runs pipelines one after the other.
fn each_pipeline(pipelines: &[Vec<Step>], cx: &JobContext) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    for steps in pipelines {
        warnings.extend(Pipeline::start(steps, cx)?.complete()?);
    }
    Ok(warnings)
}

/// Runs programs one after the other.
fn each(steps: &[Step], cx: &JobContext) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    for step in steps {
        let child = start(step, Plug::Nothing, Plug::Pipe, &cx.switch, &cx.log())?;
        let (_, ended) = child.output(0)?;
        warnings.extend(ended.warnings);
    }
    Ok(warnings)
}
