//! The program while it runs.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{LIMIT, Run};

/// A program that runs; killed if the test ends before it.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    stdout: String,
    stderr: Option<JoinHandle<String>>,
}

impl Running {
    /// Starts it.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut stderr = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut said = Vec::new();
            let _ = stderr.read_to_end(&mut said);
            String::from_utf8_lossy(&said).into_owned()
        });
        Self { child, lines, stdout: String::new(), stderr: Some(stderr) }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for an event of a JSON output.
    #[track_caller]
    pub(crate) fn until(&mut self, mut wanted: impl FnMut(&Value) -> bool) {
        let deadline = Instant::now() + LIMIT;
        loop {
            let line = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|error| panic!("{error}, after:\n{}", self.stdout));
            let event = serde_json::from_str(&line).unwrap();
            self.stdout.push_str(&line);
            self.stdout.push('\n');
            if wanted(&event) {
                return;
            }
        }
    }

    /// Waits until a phase begins.
    #[track_caller]
    pub(crate) fn until_phase(&mut self, phase: &str) {
        self.until(|event| event["phase"] == phase);
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Run {
        let deadline = Instant::now() + LIMIT;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.stdout.push_str(&line);
                    self.stdout.push('\n');
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end; so far:\n{}", self.stdout),
            }
        }
        let status = self.child.wait().unwrap();
        let stderr = self.stderr.take().unwrap().join().unwrap();
        Run { status, stdout: std::mem::take(&mut self.stdout), stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that was waited for is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
