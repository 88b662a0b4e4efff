//! The programs of a pipeline, and what the last of them puts out.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bahub_core::adapter::StepFailure;
use bahub_core::link::Failure;
use bahub_core::step::{ByteString, Step};

use crate::job::{JobContext, failure};
use crate::steps::{Child, KillSwitch, LogLine, Plug, start};
use crate::stream::Tail;

/// How much is read from a program at once.
const READ: usize = 256 * 1024;

/// Runs a pipeline and writes what its last program puts out; every program must end well, and what it wrote with the
/// trailer.
pub(super) fn pipeline(
    steps: &[Step],
    trailer: Option<&ByteString>,
    cx: &JobContext,
    out: &mut impl Write,
) -> Result<Vec<String>, Failure> {
    let mut tail = Tail::default();
    let (mut children, stdout) = started(steps, &cx.switch, &cx.log())?;
    let copied = match stdout {
        Some(stdout) => copy(stdout, cx, |bytes| {
            tail.push(bytes);
            out.write_all(bytes)
        }),
        None => Ok(()),
    };
    if copied.is_err() {
        cx.switch.trip();
    }
    let mut warnings = Vec::new();
    let mut failures: Vec<StepFailure> = Vec::new();
    for child in children.drain(..) {
        match child.wait() {
            Ok(ended) => warnings.extend(ended.warnings),
            Err(failure) => failures.push(failure),
        }
    }
    copied.map_err(|error| failure::writing(&error))?;
    match (failure::cause(failures), trailer) {
        (Some(cause), _) => Err(cause.into()),
        (None, Some(trailer)) if !tail.holds(&trailer.0) => {
            Err(failure::incomplete(steps.last().map(Step::name).unwrap_or_default()).into())
        }
        (None, _) => Ok(warnings),
    }
}

/// Starts every program of a pipeline, each reading what the one before it writes.
fn started(steps: &[Step], switch: &KillSwitch, log: &LogLine) -> Result<(Vec<Child>, Option<File>), StepFailure> {
    let mut children = Vec::with_capacity(steps.len());
    let mut stdout: Option<File> = None;
    for step in steps {
        let stdin = stdout.take().map_or(Plug::Nothing, |file| Plug::From(file.into()));
        let mut child = start(step, stdin, Plug::Pipe, switch, log).inspect_err(|_| switch.trip())?;
        stdout = child.stdout.take();
        children.push(child);
    }
    Ok((children, stdout))
}

fn copy(mut from: impl Read, cx: &JobContext, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let plain = Arc::clone(&cx.counters.plain);
    let mut buffer = vec![0; READ];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        each(&buffer[..count])?;
        plain.fetch_add(count as u64, Ordering::Relaxed);
    }
}
