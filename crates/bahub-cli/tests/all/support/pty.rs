//! A terminal that a test types at, pauses and closes.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::LIMIT;

/// A program before a terminal; killed if the test ends before it.
pub(crate) struct Pty {
    child: Child,
    terminal: Option<File>,
    shown: Receiver<String>,
    screen: String,
}

impl Pty {
    /// Starts a program whose three standard files are a terminal that shows what is written.
    pub(crate) fn start(command: Command) -> Self {
        let mut pty = Self::start_paused(command);
        pty.read();
        pty
    }

    /// Starts it before a terminal that takes nothing beyond its buffer.
    pub(crate) fn start_paused(mut command: Command) -> Self {
        let terminal: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
        let open = || OpenOptions::new().read(true).write(true).open(&name).unwrap();
        let child = command.stdin(open()).stdout(open()).stderr(open()).spawn().unwrap();
        // It holds the other side open.
        drop(command);
        Self { child, terminal: Some(terminal.into()), shown: channel().1, screen: String::new() }
    }

    fn read(&mut self) {
        let (sender, shown) = channel();
        self.shown = shown;
        let mut terminal = self.terminal.as_ref().unwrap().try_clone().unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal whose program ended answers EIO.
            while let Ok(count @ 1..) = terminal.read(&mut buffer) {
                let _ = sender.send(String::from_utf8_lossy(&buffer[..count]).into_owned());
            }
        });
    }

    /// Waits until these words were shown; returns everything so far.
    #[track_caller]
    pub(crate) fn until(&mut self, words: &str) -> &str {
        let deadline = Instant::now() + LIMIT;
        while !self.screen.contains(words) {
            let shown = self.shown.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let shown = shown.unwrap_or_else(|error| panic!("{words:?}: {error}, after:\n{}", self.screen));
            self.screen.push_str(&shown);
        }
        &self.screen
    }

    /// Types.
    pub(crate) fn type_in(&mut self, text: &str) {
        self.terminal.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Closes a paused terminal's window.
    pub(crate) fn close(&mut self) {
        self.terminal = None;
    }

    /// Waits for the program's end; returns how it ended, and everything that was shown.
    #[track_caller]
    pub(crate) fn finish(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + LIMIT;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("it does not end"),
                None => thread::sleep(std::time::Duration::from_millis(20)),
            }
        };
        self.terminal = None;
        self.shown.iter().for_each(|shown| self.screen.push_str(&shown));
        (status, std::mem::take(&mut self.screen))
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
