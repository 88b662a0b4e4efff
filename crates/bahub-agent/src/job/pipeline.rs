//! Programs that read a backup, each what the one before it made of it.

use std::fs::File;
use std::io::{self, Write};
use std::thread::{self, JoinHandle};

use bahub_core::adapter::StepFailure;
use bahub_core::link::Failure;
use bahub_core::step::{ByteString, Stdin, Step};

use super::script::Editor;
use super::{JobContext, failure};
use crate::steps::{Child, KillSwitch, Plug, start};
use crate::stream::{Behind, Tail};

/// Running programs, of which the first reads the backup. The end of their input, and its very last byte, come with
/// [`Pipeline::complete`]: what needs all of it is not done before.
pub(super) struct Pipeline<'a> {
    stages: Vec<Stage<'a>>,
    switch: KillSwitch,
    /// The last byte that was read.
    held: Option<u8>,
    /// The last program's output, where that shows its success.
    says: Option<(&'a ByteString, JoinHandle<Tail>)>,
}

struct Stage<'a> {
    step: &'a Step,
    child: Child,
    input: Input,
}

/// The way into a program.
enum Input {
    /// Another program writes there, or it reads no more.
    None,
    /// The backup goes there.
    Open(File),
    /// What the program before puts out is moved there; the way in comes back at its end.
    Gate(JoinHandle<io::Result<Option<File>>>),
}

impl<'a> Pipeline<'a> {
    /// Starts every program. Where one cannot be started, all are killed.
    pub(super) fn start(steps: &'a [Step], cx: &JobContext) -> Result<Self, StepFailure> {
        let mut pipeline =
            Self { stages: Vec::with_capacity(steps.len()), switch: cx.switch.clone(), held: None, says: None };
        for (index, step) in steps.iter().enumerate() {
            let before = pipeline.stages.last_mut().and_then(|stage: &mut Stage<'_>| stage.child.stdout.take());
            let (stdin, gated) = match before {
                Some(output) if literals(step).is_some() || step.edits.is_some() => (Plug::Pipe, Some(output)),
                Some(output) => (Plug::From(output.into()), None),
                None => (Plug::Pipe, None),
            };
            let says = step.required_output.as_ref().filter(|_| index + 1 == steps.len());
            let stdout = if says.is_some() || index + 1 < steps.len() { Plug::Pipe } else { Plug::Nothing };
            let started = start(step, stdin, stdout, &cx.switch, &cx.log());
            let mut child = started.inspect_err(|_| cx.switch.trip())?;
            let input = match (child.stdin.take(), gated) {
                (Some(file), Some(output)) => {
                    let (step, switch) = (step.clone(), cx.switch.clone());
                    Input::Gate(thread::spawn(move || moved(&step, output, file, &switch)))
                }
                (Some(file), None) => Input::Open(file),
                (None, _) => Input::None,
            };
            if let (Some(words), Some(output)) = (says, child.stdout.take_if(|_| says.is_some())) {
                pipeline.says = Some((words, thread::spawn(move || tail_of(output))));
            }
            pipeline.stages.push(Stage { step, child, input });
        }
        Ok(pipeline)
    }

    /// Feeds what is read to the first program, but for the last byte. A program that stops reading is left alone: its exit
    /// status shows whether it had enough. Where reading fails, all are killed before an input ends.
    pub(super) fn feed(&mut self, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> Result<(), Failure> {
        let Some(Stage { step, input, .. }) = self.stages.first_mut() else { return Ok(()) };
        let Input::Open(mut file) = std::mem::replace(input, Input::None) else { return Ok(()) };
        if let Some((prefix, _)) = literals(step) {
            write(&mut file, &prefix.0).map_err(|error| failure::feeding(&error))?;
        }
        let held = &mut self.held;
        let mut editor = step.edits.as_deref().map(Editor::new);
        let mut read = |room: &mut [u8]| match &mut editor {
            Some(editor) => editor.read(room, &mut read),
            None => read(room),
        };
        let file = written_behind(file, &self.switch, |room| read_but_the_last(held, room, &mut read))?;
        *input = file.map_or(Input::None, Input::Open);
        Ok(())
    }

    /// Ends the inputs, each after the program before it ended well, and waits for every program.
    pub(super) fn complete(self) -> Result<Vec<String>, Failure> {
        let Self { stages, switch, held, says } = self;
        let (mut warnings, mut failures, mut unread) = (Vec::new(), Vec::new(), None);
        let last = stages.last().map(|stage| stage.step);
        for (index, Stage { step, child, input }) in stages.into_iter().enumerate() {
            if !failures.is_empty() {
                switch.trip();
            }
            let file = match input {
                Input::None => None,
                Input::Open(file) => Some(file),
                // A program that is gone is judged by its exit status.
                Input::Gate(moving) => match moving.join() {
                    Ok(Ok(file)) => file,
                    Ok(Err(error)) => {
                        unread = Some(failure::reading(&error));
                        None
                    }
                    Err(_) => {
                        switch.trip();
                        None
                    }
                },
            };
            if let Some(mut file) = file.filter(|_| !switch.is_thrown()) {
                let held = held.as_slice().iter().filter(|_| index == 0).copied().collect::<Vec<_>>();
                let suffix = literals(step).map_or(&[][..], |(_, suffix)| &suffix.0);
                write(&mut file, &[&held, suffix].concat()).map_err(|error| failure::feeding(&error))?;
            }
            match child.wait() {
                Ok(ended) => warnings.extend(ended.warnings),
                Err(failure) => failures.push(failure),
            }
        }
        let said = says.is_none_or(|(words, tail)| tail.join().is_ok_and(|tail| tail.holds(&words.0)));
        if let Some(unread) = unread {
            return Err(unread);
        }
        match failure::cause(failures) {
            Some(cause) => Err(cause.into()),
            None if said => Ok(warnings),
            None => Err(failure::incomplete(last.map(Step::name).unwrap_or_default()).into()),
        }
    }
}

/// The literals around the backup that a step reads, if there are any.
fn literals(step: &Step) -> Option<(&ByteString, &ByteString)> {
    match &step.stdin {
        Stdin::Backup { prefix, suffix } if !(prefix.0.is_empty() && suffix.0.is_empty()) => Some((prefix, suffix)),
        _ => None,
    }
}

/// Reads, and keeps the last byte back until more comes.
fn read_but_the_last(
    held: &mut Option<u8>,
    room: &mut [u8],
    mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
) -> io::Result<usize> {
    loop {
        let mut one = [0];
        match *held {
            None if read(&mut one)? == 0 => return Ok(0),
            None => *held = Some(one[0]),
            Some(byte) if room.len() > 1 => {
                let count = read(&mut room[1..])?;
                if count > 0 {
                    room[0] = byte;
                    *held = Some(room[count]);
                }
                return Ok(count);
            }
            Some(byte) => {
                let count = read(&mut one)?;
                if count > 0 {
                    room[0] = byte;
                    *held = Some(one[0]);
                }
                return Ok(count);
            }
        }
    }
}

/// Writes what is read until either ends; returns the pipe, unless its reader went away. Where reading fails, the
/// programs are killed before the pipe is let go: an end of their input would complete what was not proven.
fn written_behind(
    file: File,
    switch: &KillSwitch,
    read: impl FnMut(&mut [u8]) -> io::Result<usize>,
) -> Result<Option<File>, Failure> {
    let behind = Behind::new(file);
    let read = behind.copy(read).inspect_err(|_| switch.trip());
    let written = behind.finish();
    read.map_err(|error| failure::reading(&error))?;
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe && !switch.is_thrown() => Ok(None),
        written => written.map(Some).map_err(|error| failure::feeding(&error)),
    }
}

/// Moves what a program puts out to the next; returns the way in, unless that reads no more. Where reading fails, the programs are
/// killed before the pipe is let go.
fn moved(step: &Step, mut output: File, mut input: File, switch: &KillSwitch) -> io::Result<Option<File>> {
    let mut editor = step.edits.as_deref().map(Editor::new);
    let mut buffer = vec![0; 256 * 1024];
    let mut next = literals(step).map(|(prefix, _)| prefix.0.clone()).unwrap_or_default();
    loop {
        match input.write_all(&next) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(None),
            written => written.inspect_err(|_| switch.trip())?,
        }
        let mut read = |room: &mut [u8]| io::Read::read(&mut output, room);
        let count = match &mut editor {
            Some(editor) => editor.read(&mut buffer, &mut read),
            None => read(&mut buffer),
        };
        match count {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => next.clear(),
            Ok(0) => return Ok(Some(input)),
            count => next = buffer[..count.inspect_err(|_| switch.trip())?].to_vec(),
        }
    }
}

fn tail_of(mut output: File) -> Tail {
    let (mut tail, mut buffer) = (Tail::default(), vec![0; 64 * 1024]);
    loop {
        match io::Read::read(&mut output, &mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return tail,
            Ok(count) => tail.push(&buffer[..count]),
        }
    }
}

fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    match file.write_all(bytes) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

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

    #[test]
    fn all_but_the_last_byte_is_given_out_however_it_comes() {
        let data: Vec<u8> = (0..200).collect();
        for (step, room) in [(1, 1), (1, 7), (7, 3), (200, 200), (200, 1)] {
            let (mut held, mut out, mut rest) = (None, Vec::new(), data.as_slice());
            let mut room = vec![0; room];
            loop {
                let read = |into: &mut [u8]| {
                    let count = step.min(into.len()).min(rest.len());
                    into[..count].copy_from_slice(&rest[..count]);
                    rest = &rest[count..];
                    Ok(count)
                };
                match read_but_the_last(&mut held, &mut room, read).unwrap() {
                    0 => break,
                    count => out.extend_from_slice(&room[..count]),
                }
            }
            assert_eq!((out.as_slice(), held), (&data[..199], Some(199)), "{step}");
        }
    }
}
