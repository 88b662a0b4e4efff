//! Putting a backup back: programs before, the programs that read it, programs after.

use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use bahub_core::adapter::StepFailure;
use bahub_core::link::{Done, Failure};
use bahub_core::replay::Replay;
use bahub_core::step::{Stdin, Step};

use super::read::{Plain, ended_whole, measure, read_some};
use super::{JobContext, failure};
use crate::steps::{Child, KillSwitch, Plug, start};
use crate::stream::{Behind, Content};

/// How long one step of an undo may take.
const UNDO: Duration = Duration::from_secs(60);

/// Runs the restore. `prove` states that the message was read to its end and is the right one; only then the reading
/// programs get the end of their input, and what follows it.
pub(super) fn run(
    replay: &Replay,
    mut plain: Plain,
    cx: &JobContext,
    prove: impl FnOnce(Content) -> Result<Done, Failure>,
) -> Result<Done, Failure> {
    let warnings = each(&replay.before, cx)?;
    let restored = attempt(replay, warnings, &mut plain, cx, prove);
    if restored.is_err() {
        undo(&replay.undo, cx);
    }
    restored
}

fn attempt(
    replay: &Replay,
    mut warnings: Vec<String>,
    plain: &mut Plain,
    cx: &JobContext,
    prove: impl FnOnce(Content) -> Result<Done, Failure>,
) -> Result<Done, Failure> {
    let (mut children, mut stdin) = started(&replay.main, cx)?;
    let fed = feed(plain, &mut stdin, replay.main.first(), cx);
    let whole = fed.and_then(|()| ended_whole(plain, replay.trailer.as_ref()));
    let proven = whole.and_then(|()| prove(plain.content().clone()));
    let ended = match (&proven, stdin) {
        (Ok(_), stdin) => complete(&mut children, stdin, replay.main.first()),
        (Err(_), _) => {
            // Killed before its input ends: an end would complete what was not proven.
            cx.switch.throw();
            let _ = wait_all(&mut children);
            Ok(Vec::new())
        }
    };
    let done = proven?;
    warnings.extend(ended?);
    warnings.extend(each(&replay.after, cx)?);
    Ok(with_warnings(done, warnings))
}

/// Undoes what a restore that failed has begun; what cannot be undone is logged, because the failure itself is what is
/// told.
fn undo(steps: &[Step], cx: &JobContext) {
    for step in steps {
        // The job's own switch is thrown, or will be.
        let switch = KillSwitch::default();
        let over = std::sync::mpsc::channel::<()>();
        let watch = std::thread::spawn({
            let switch = switch.clone();
            move || {
                if over.1.recv_timeout(UNDO) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                    switch.throw();
                }
            }
        });
        let undone = start(step, Plug::Nothing, Plug::Pipe, &switch, &cx.log()).and_then(|child| child.output(0));
        drop(over.0);
        let _ = watch.join();
        if let Err(failure) = undone {
            cx.log()("agent", &format!("the failed restore left something behind: {failure}"));
        }
    }
}

fn with_warnings(done: Done, more: Vec<String>) -> Done {
    match done {
        Done::Read { plain, stored, sha256, compression, facts, mut warnings } => {
            warnings.extend(more);
            Done::Read { plain, stored, sha256, compression, facts, warnings }
        }
        other => other,
    }
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

/// Starts the programs that read the backup; the first has its input open.
fn started(steps: &[Step], cx: &JobContext) -> Result<(Vec<Child>, Option<File>), StepFailure> {
    let mut children: Vec<Child> = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        let stdin = match children.last_mut().and_then(|child| child.stdout.take()) {
            Some(stdout) => Plug::From(stdout.into()),
            None => Plug::Pipe,
        };
        let stdout = if index + 1 < steps.len() { Plug::Pipe } else { Plug::Nothing };
        children.push(start(step, stdin, stdout, &cx.switch, &cx.log()).inspect_err(|_| cx.switch.throw())?);
    }
    let stdin = children.first_mut().and_then(|child| child.stdin.take());
    Ok((children, stdin))
}

/// Feeds the backup. A program that stops reading is left alone, and the message read to its end all the same: the
/// program's exit status tells whether it had enough.
fn feed(plain: &mut Plain, stdin: &mut Option<File>, step: Option<&Step>, cx: &JobContext) -> Result<(), Failure> {
    if let (Some(file), Some(Stdin::Backup { prefix, .. })) = (stdin.as_mut(), step.map(|step| &step.stdin)) {
        write(file, &prefix.0).map_err(|error| failure::feeding(&error))?;
    }
    if let Some(file) = stdin.take() {
        *stdin = written_behind(file, &cx.switch, |room| read_some(plain, cx, room))?;
    }
    measure(plain, cx, |_| Ok(())).map_err(|error| failure::reading(&error))
}

/// Writes what is read until either ends; gives the pipe back, unless its reader went away. Where reading fails, the
/// programs are killed before the pipe is let go: an end of their input would complete what was not proven.
fn written_behind(
    file: File,
    switch: &KillSwitch,
    read: impl FnMut(&mut [u8]) -> io::Result<usize>,
) -> Result<Option<File>, Failure> {
    let behind = Behind::new(file);
    let read = behind.copy(read).inspect_err(|_| switch.throw());
    let written = behind.finish();
    read.map_err(|error| failure::reading(&error))?;
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe && !switch.is_thrown() => Ok(None),
        written => written.map(Some).map_err(|error| failure::feeding(&error)),
    }
}

fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    match file.write_all(bytes) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Sends what follows the proven end, ends the input, and waits for every program.
fn complete(children: &mut Vec<Child>, stdin: Option<File>, step: Option<&Step>) -> Result<Vec<String>, Failure> {
    if let (Some(mut file), Some(Stdin::Backup { suffix, .. })) = (stdin, step.map(|step| &step.stdin)) {
        write(&mut file, &suffix.0).map_err(|error| failure::feeding(&error))?;
    }
    Ok(wait_all(children)?)
}

fn wait_all(children: &mut Vec<Child>) -> Result<Vec<String>, StepFailure> {
    let mut result = Ok(Vec::new());
    for child in children.drain(..) {
        match (child.wait(), &mut result) {
            (Ok(ended), Ok(warnings)) => warnings.extend(ended.warnings),
            (Err(failure), Ok(_)) => result = Err(failure),
            (_, Err(_)) => {}
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::thread;

    use super::*;

    fn pipe() -> (File, File) {
        let (reader, writer) = io::pipe().unwrap();
        (File::from(std::os::fd::OwnedFd::from(reader)), File::from(std::os::fd::OwnedFd::from(writer)))
    }

    #[test]
    fn programs_are_killed_before_their_input_ends_where_reading_fails() {
        let (mut reader, writer) = pipe();
        let switch = KillSwitch::default();
        let program = thread::spawn({
            let switch = switch.clone();
            move || {
                reader.read_to_end(&mut Vec::new()).unwrap();
                switch.is_thrown()
            }
        });
        let mut rounds = 0;
        let written = written_behind(writer, &switch, |room| {
            rounds += 1;
            if rounds > 3 { Err(io::Error::other("damaged")) } else { Ok(room.len()) }
        });
        assert!(written.is_err());
        assert!(program.join().unwrap(), "the input ended in a program that was still to live");
    }

    #[test]
    fn a_program_that_has_had_enough_is_left_alone() {
        let (reader, writer) = pipe();
        drop(reader);
        let switch = KillSwitch::default();
        assert!(written_behind(writer, &switch, |room| Ok(room.len())).unwrap().is_none());
        assert!(!switch.is_thrown());
    }
}
