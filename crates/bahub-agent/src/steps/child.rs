//! One running program.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bahub_core::adapter::{StepEnd, StepFailure};
use bahub_core::secret::Secret;
use bahub_core::step::{Arg, Exit, Judgement, Stderr, Stdin, Step};
use command_fds::CommandFdExt;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::log::StderrSummary;
use super::{KillSwitch, LogLine, find, secret_file};

/// The size that pipes to and from programs are set to where the system allows it: fewer changes between processes.
const PIPE_SIZE: usize = 1024 * 1024;

/// How long a program's output may still come after its end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A running program. [`Child::wait`] for it; the kill switch ends it.
pub(crate) struct Child {
    step: Step,
    program: String,
    /// Present where the caller asked for a pipe.
    pub(crate) stdin: Option<File>,
    /// Present where the caller asked for a pipe.
    pub(crate) stdout: Option<File>,
    end: JoinHandle<Exit>,
    said: mpsc::Receiver<StderrSummary>,
    feeder: Option<JoinHandle<()>>,
}

/// A program that ended well.
#[derive(Debug, Default)]
pub(crate) struct ChildOutcome {
    /// Its warnings, a sentence each.
    pub(crate) warnings: Vec<String>,
}

/// Where a program's input comes from, or its output goes, besides pipes to the caller.
pub(crate) enum Plug {
    /// `/dev/null`.
    Nothing,
    /// A pipe that the caller holds the other end of.
    Pipe,
    /// The output of the program before it.
    From(OwnedFd),
}

/// What a program reads that the step itself holds.
enum Input {
    Literal(Vec<u8>),
    Secret(Secret),
}

impl Input {
    fn of(step: &Step) -> Option<Self> {
        match &step.stdin {
            Stdin::Literal(bytes) => Some(Self::Literal(bytes.0.clone())),
            Stdin::Secret(secret) => Some(Self::Secret(secret.clone())),
            Stdin::Nothing | Stdin::Backup { .. } => None,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Literal(bytes) => bytes,
            Self::Secret(secret) => secret.expose().as_bytes(),
        }
    }
}

impl From<Plug> for Stdio {
    fn from(plug: Plug) -> Self {
        match plug {
            Plug::Nothing => Self::null(),
            Plug::Pipe => Self::piped(),
            Plug::From(fd) => fd.into(),
        }
    }
}

/// Starts a program. A step that holds its input is fed by a thread of its own; one that reads the backup gets `stdin`.
///
/// # Errors
/// [`StepEnd::NotFound`] or [`StepEnd::NotStarted`].
pub(crate) fn start(
    step: &Step,
    stdin: Plug,
    stdout: Plug,
    switch: &KillSwitch,
    log: &LogLine,
) -> Result<Child, StepFailure> {
    let failed = |end| StepFailure::new(step.name(), end);
    let path = find::program(&step.programs).ok_or_else(|| failed(StepEnd::NotFound))?;
    let program = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let input = Input::of(step);
    let stdin = if input.is_some() { Plug::Pipe } else { stdin };
    let mut child =
        spawn(step, &path, stdin, stdout).map_err(|error| failed(StepEnd::NotStarted(error.to_string())))?;
    let group = Pid::from_child(&child);
    switch.register(group);

    let stdin = child.stdin.take().map(|pipe| grown(OwnedFd::from(pipe)));
    let stdout = child.stdout.take().map(|pipe| grown(OwnedFd::from(pipe)));
    let stderr = child.stderr.take();
    let (told, said) = mpsc::channel();
    thread::spawn({
        let (program, step, log) = (program.clone(), step.clone(), LogLine::clone(log));
        move || {
            drop(
                told.send(
                    stderr
                        .map(|stderr| StderrSummary::read(&program, stderr, &step.fatal, &step.ignored, &log))
                        .unwrap_or_default(),
                ),
            )
        }
    });
    let end = thread::spawn({
        let switch = switch.clone();
        move || wait(child, group, &switch)
    });
    let (stdin, feeder) = match input {
        // A program that ends without reading its input is judged by its exit status, not by our broken pipe.
        Some(input) => (None, stdin.map(|mut pipe| thread::spawn(move || drop(pipe.write_all(input.bytes()))))),
        None => (stdin, None),
    };
    Ok(Child { step: step.clone(), program, stdin, stdout, end, said, feeder })
}

fn spawn(step: &Step, path: &std::path::Path, stdin: Plug, stdout: Plug) -> io::Result<process::Child> {
    let mut command = Command::new(path);
    let mut inherited = Vec::new();
    for arg in &step.args {
        match arg {
            Arg::Plain(bytes) => command.arg(OsString::from_vec(bytes.0.clone())),
            Arg::SecretFile { prefix, content } => {
                let file = secret_file::create(content)?;
                let number = std::os::fd::AsRawFd::as_raw_fd(&file);
                inherited.push(file);
                command.arg(format!("{prefix}/proc/self/fd/{number}"))
            }
        };
    }
    command.arg0(std::ffi::OsStr::from_bytes(path.file_name().unwrap_or(path.as_os_str()).as_bytes()));
    for name in &step.unset {
        command.env_remove(name);
    }
    command.envs(step.env.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::from(stdin)).stdout(Stdio::from(stdout)).stderr(Stdio::piped());
    command.process_group(0).preserved_fds(inherited);
    dies_with_us(&mut command);
    command.spawn()
}

/// Has the kernel kill the program where this process is killed: one that hangs would notice nothing by itself.
///
/// What counts is the end of the thread that starts it (prctl(2), `PR_SET_PDEATHSIG`): that thread waits for the program
/// or has it killed before it goes on to anything else.
#[expect(unsafe_code, reason = "nothing else runs between fork and exec")]
fn dies_with_us(command: &mut Command) {
    let ours = rustix::process::getpid();
    let ask = move || {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        match rustix::process::getppid() {
            Some(parent) if parent == ours => Ok(()),
            // Killed between the fork and the request, which came too late then.
            _ => Err(rustix::io::Errno::SRCH.into()),
        }
    };
    // SAFETY: after the fork of a process with threads only what is async-signal-safe may be called. `ask` makes two
    // system calls, and neither allocates nor takes a lock.
    unsafe { command.pre_exec(ask) };
}

/// Waits in two steps, so that the group can be killed while its number is still ours.
fn wait(mut child: process::Child, group: Pid, switch: &KillSwitch) -> Exit {
    while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
    }
    switch.retire(group);
    child.wait().map_or(Exit::Lost, Exit::from)
}

/// A line with its program's name before it, which most programs put there themselves.
fn by(program: &str, line: &str) -> String {
    match line.strip_prefix(program) {
        Some(rest) if rest.starts_with(':') => line.to_owned(),
        _ => format!("{program}: {line}"),
    }
}

fn grown(pipe: OwnedFd) -> File {
    // A system with a smaller limit keeps its size.
    let _ = rustix::pipe::fcntl_setpipe_size(&pipe, PIPE_SIZE);
    File::from(pipe)
}

impl Child {
    /// Waits for the end and judges it. Drop `stdin` first where the program waits for its end.
    ///
    /// # Errors
    /// The end is not one that the step calls success.
    pub(crate) fn wait(self) -> Result<ChildOutcome, StepFailure> {
        drop(self.stdin);
        drop(self.stdout);
        let exit = self.end.join().unwrap_or(Exit::Lost);
        // A daemon that the program left behind may hold its standard error open for ever.
        let said = self.said.recv_timeout(LAST_WORDS);
        let cut_off = said.is_err();
        let said = said.unwrap_or_default();
        if let Some(feeder) = self.feeder {
            let _ = feeder.join();
        }
        let judgement = self.step.judge(exit);
        // What cannot be read to its end may hold the words that mean failure.
        let may_be_fatal = said.is_fatal() || (cut_off && !self.step.fatal.is_empty());
        if judgement == Judgement::Failure || may_be_fatal {
            return Err(StepFailure::new(self.program, StepEnd::Ended(exit)).with_stderr(said.tail()));
        }
        let mut warnings = Vec::new();
        if self.step.stderr != Stderr::Log {
            let (before, lines) = said.lines();
            if before > 0 {
                warnings.push(format!("{}: {before} earlier messages are not shown", self.program));
            }
            warnings.extend(lines.filter(|line| !line.is_empty()).map(|line| match self.step.stderr {
                Stderr::Sentences => line.to_owned(),
                Stderr::Log | Stderr::Warnings => by(&self.program, line),
            }));
        }
        if cut_off {
            warnings.push(format!("{} left a program running that keeps its standard error open", self.program));
        }
        if judgement == Judgement::Warning && warnings.is_empty() {
            warnings.push(format!("{} ended with {exit}", self.program));
        }
        Ok(ChildOutcome { warnings })
    }

    /// Reads all output, at most `most` bytes of it, then waits.
    ///
    /// # Errors
    /// As [`Child::wait`].
    pub(crate) fn output(mut self, most: u64) -> Result<(Vec<u8>, ChildOutcome), StepFailure> {
        let mut output = Vec::new();
        if let Some(mut stdout) = self.stdout.take() {
            let _ = (&mut stdout).take(most).read_to_end(&mut output);
            let _ = io::copy(&mut stdout, &mut io::sink());
        }
        Ok((output, self.wait()?))
    }
}
