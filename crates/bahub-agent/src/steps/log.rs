//! What programs say on standard error.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

/// Takes a line of a program: its name and the line.
pub(crate) type LogLine = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// The most bytes of one line; the rest of a longer one is dropped.
const MAX_LINE: u64 = 4096;
/// The most bytes that are kept for an error message.
const MAX_TAIL: usize = 8192;
/// The most lines that are passed on; a program that floods is still read, so that it does not block.
const MAX_LINES: usize = 1000;

/// The end of what a program said.
#[derive(Debug, Default)]
pub(crate) struct StderrSummary {
    tail: VecDeque<String>,
    bytes: usize,
    lines: usize,
    fatal: Option<String>,
}

impl StderrSummary {
    /// Reads to the end, passing lines on. A line with one of the words in `fatal` makes whatever end a failure; one with any
    /// in `ignored` is passed over.
    pub(super) fn read(source: &str, stderr: impl Read, fatal: &[String], ignored: &[String], log: &LogLine) -> Self {
        let mut said = Self::default();
        let mut reader = BufReader::new(stderr);
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => break,
                Ok(_) if line.last() != Some(&b'\n') => skip_line(&mut reader),
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line);
            if ignored.iter().any(|words| text.contains(words)) {
                continue;
            }
            if said.fatal.is_none() && fatal.iter().any(|words| text.contains(words)) {
                said.fatal = Some(text.trim_end().to_owned());
            }
            said.take(source, text.trim_end(), log);
        }
        said
    }

    fn take(&mut self, source: &str, line: &str, log: &LogLine) {
        self.lines += 1;
        match self.lines {
            n if n <= MAX_LINES => log(source, line),
            n if n == MAX_LINES + 1 => log(source, "(more lines follow and are not shown)"),
            _ => {}
        }
        self.bytes += line.len() + 1;
        self.tail.push_back(line.to_owned());
        while self.bytes > MAX_TAIL
            && let Some(first) = self.tail.pop_front()
        {
            self.bytes -= first.len() + 1;
        }
    }

    /// Whether a line means failure.
    pub(super) fn is_fatal(&self) -> bool {
        self.fatal.is_some()
    }

    /// The last lines, and the one that means failure if it is not among them.
    pub(crate) fn tail(&self) -> String {
        let fatal = self.fatal.iter().filter(|fatal| !self.tail.contains(fatal));
        fatal.chain(&self.tail).map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// The last lines one by one, and how many came before them.
    pub(crate) fn lines(&self) -> (usize, impl Iterator<Item = &str>) {
        (self.lines - self.tail.len(), self.tail.iter().map(String::as_str))
    }
}

/// Passes over the rest of a line without keeping it.
fn skip_line(reader: &mut impl BufRead) {
    while let Ok(buffer) = reader.fill_buf() {
        let (length, found) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(length);
        if found {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_read_to_its_end_and_only_its_tail_is_kept() {
        let flood = format!("{}\n{}last\n", "x".repeat(1 << 20), "y\n".repeat(100_000));
        let log: LogLine = Arc::new(|_, _| {});
        let said = StderrSummary::read("p", flood.as_bytes(), &[], &[], &log);
        assert!(said.tail().ends_with("y\nlast"));
        assert!(said.tail().len() <= MAX_TAIL && !said.is_fatal());
        assert_eq!(said.lines, 100_002);
    }

    #[test]
    fn a_line_that_means_failure_is_kept_whatever_follows() {
        let text = format!("a read error at byte 7\n{}", "y\n".repeat(10_000));
        let log: LogLine = Arc::new(|_, _| {});
        let said = StderrSummary::read("p", text.as_bytes(), &["read error".into()], &[], &log);
        assert!(said.is_fatal() && said.tail().starts_with("a read error at byte 7\n"));
    }

    #[test]
    fn what_is_ignored_is_neither_kept_nor_logged() {
        let log: LogLine = Arc::new(|_, line| assert_eq!(line, "an error"));
        let text = "Warning: unknown variable 'loose-ssl-mode=REQUIRED'\nan error\n";
        let said = StderrSummary::read("p", text.as_bytes(), &[], &["unknown variable 'loose-".into()], &log);
        assert_eq!(said.tail(), "an error");
    }
}
