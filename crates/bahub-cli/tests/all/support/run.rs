//! How the program ended, and its output.

use std::process::ExitStatus;

use serde_json::Value;

/// A program that ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// States the exit code.
    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Every line of a JSON output; each must be an object.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let lines: Vec<Value> = self.stdout.lines().map(parse).collect();
        assert!(lines.iter().all(Value::is_object), "{}", self.stdout);
        lines
    }

    /// The last line of a JSON output.
    #[track_caller]
    pub(crate) fn last(&self) -> Value {
        self.lines().pop().unwrap_or_else(|| panic!("nothing was said: {self:?}"))
    }

    /// The report of a run that went to its end.
    #[track_caller]
    pub(crate) fn report(&self) -> Value {
        let last = self.last();
        assert_eq!(last["event"], "ended", "{self:?}");
        last["report"].clone()
    }

    /// The error and the way out, as JSON output has them.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        let last = self.last();
        let error = if last["error"].is_object() { &last["error"] } else { &last["errors"] };
        assert!(error.is_object() || error.is_array(), "{self:?}");
        error.to_string()
    }

    /// Asserts that the error contains all of this.
    #[track_caller]
    pub(crate) fn assert_error(&self, words: &[&str]) -> &Self {
        let error = self.error();
        for word in words {
            assert!(error.contains(word), "{word:?} is not in: {error}");
        }
        self
    }

    /// Standard error in one line, without the frames around messages.
    pub(crate) fn said(&self) -> String {
        self.stderr.replace(['│', '×', '╰', '├', '─', '▶'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
