//! An observer: a record of every run, for any reader of JSON lines.

use std::fs::OpenOptions;
use std::io::{self, Write, stderr};
use std::path::PathBuf;

use bahub_core::event::Event;
use bahub_core::observer::{Observer, RunInfo, RunRecord};

/// Appends a line of JSON to a file for each run that ended.
#[derive(Debug)]
pub struct RunLog {
    file: PathBuf,
}

impl RunLog {
    /// Writes to this file, which is created if it does not exist.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into() }
    }

    fn append(&self, record: &RunRecord) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        OpenOptions::new().create(true).append(true).open(&self.file)?.write_all(&line)
    }
}

impl Observer for RunLog {
    fn event(&mut self, _run: &RunInfo, _event: &Event) {}

    fn finished(&mut self, record: &RunRecord) {
        if let Err(error) = self.append(record) {
            // The run has already ended: an observer can only report that its record is missing.
            let _ = writeln!(stderr(), "{} cannot be written: {error}", self.file.display());
        }
    }
}
