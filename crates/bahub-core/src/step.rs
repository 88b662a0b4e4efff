//! One program that an agent runs next to the data: data, not a running thing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::script::ScriptEdits;
use crate::secret::Secret;

/// A program with its arguments, its standard input, and what its exit codes mean.
///
/// It is started without a shell, in a process group of its own, and is killed and waited for as a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Names to look for in `PATH`; the first that exists is started.
    pub programs: Vec<String>,
    /// What follows the program's name.
    pub args: Vec<Arg>,
    /// Variables set in addition to the inherited environment; never secrets.
    pub env: Vec<(String, String)>,
    /// Variables that it does not inherit; the engine names those that hold secrets of the run.
    pub unset: Vec<String>,
    /// Where its standard input comes from.
    pub stdin: Stdin,
    /// Exit codes that mean success.
    pub ok: Vec<i32>,
    /// Exit codes that mean success with a warning.
    pub warn: Vec<i32>,
    /// Words on its standard error that mean failure whatever its exit code.
    pub fatal: Vec<String>,
    /// Lines on standard error with one of these words are neither logged nor reported.
    pub ignored: Vec<String>,
    /// What a line on its standard error means while its exit code is one of `ok` or `warn`.
    pub stderr: Stderr,
    /// What is changed in the backup, a script, before it reads it; the literals around it stay as they are.
    pub edits: Option<Box<ScriptEdits>>,
    /// What the last [`TRAILER_WITHIN`](crate::capture::TRAILER_WITHIN) bytes of its standard output must hold, where it ends
    /// a restore: without that it failed, whatever its exit status says.
    pub required_output: Option<ByteString>,
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arg {
    /// The bytes as they are; they need not be UTF-8.
    Plain(ByteString),
    /// `prefix` followed by the path of an inherited, private, in-memory file that holds `content`.
    ///
    /// The path is of the form `/proc/self/fd/N`; nothing is written to a disk and no secret is in argv.
    SecretFile {
        /// What stands before the path, for example `--defaults-file=`.
        prefix: String,
        /// What a reader of the path finds.
        #[serde(with = "crate::secret::in_job")]
        content: Secret,
    },
}

/// A byte string that prints as text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ByteString(#[serde(with = "serde_bytes")] pub Vec<u8>);

impl fmt::Debug for ByteString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl<T: AsRef<[u8]> + ?Sized> From<&T> for ByteString {
    fn from(text: &T) -> Self {
        Self(text.as_ref().to_vec())
    }
}

/// Where a program's standard input comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Stdin {
    /// Nothing: it reads an end at once.
    #[default]
    Nothing,
    /// These bytes, then an end; never a secret.
    Literal(ByteString),
    /// The backup, or what the program before made of it, between two literals; the suffix, and the end of the input, follow
    /// only when the backup was proven whole and every program before ended well.
    Backup {
        /// Sent before the first byte of the backup.
        prefix: ByteString,
        /// Sent after the last byte of the backup.
        suffix: ByteString,
    },
    /// This secret, then an end: what `--password-stdin` and the like read. No line feed is added.
    Secret(#[serde(with = "crate::secret::in_job")] Secret),
}

/// What lines on standard error mean for a program that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Stderr {
    /// They are logged.
    #[default]
    Log,
    /// Each is a warning in the report, and the outcome is "succeeded with warnings".
    Warnings,
    /// The same for a program that repeats the adapter's own sentences: its name does not stand before them.
    Sentences,
}

impl Step {
    /// A step that runs this program.
    pub fn new(program: impl Into<String>) -> Self {
        Self::first_of([program.into()])
    }

    /// A step that runs the first of these programs that is found.
    pub fn first_of(programs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            programs: programs.into_iter().map(Into::into).collect(),
            args: Vec::new(),
            env: Vec::new(),
            unset: Vec::new(),
            stdin: Stdin::Nothing,
            ok: vec![0],
            warn: Vec::new(),
            fatal: Vec::new(),
            ignored: Vec::new(),
            stderr: Stderr::Log,
            edits: None,
            required_output: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<[u8]>) -> Self {
        self.args.push(Arg::Plain(ByteString(arg.as_ref().to_vec())));
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args(self, args: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        args.into_iter().fold(self, |step, arg| step.arg(arg))
    }

    /// Adds an argument that names a private in-memory file with this content.
    #[must_use]
    pub fn secret_file(mut self, prefix: impl Into<String>, content: Secret) -> Self {
        self.args.push(Arg::SecretFile { prefix: prefix.into(), content });
        self
    }

    /// Sets a variable of the program's environment; never a secret.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets where standard input comes from.
    #[must_use]
    pub fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    /// Feeds a secret to standard input, without a line feed after it.
    ///
    /// ```
    /// use bahub_core::secret::Secret;
    /// use bahub_core::step::Step;
    ///
    /// let step = Step::new("registry-dump").arg("--password-stdin").reads_secret(Secret::new("hunter22"));
    /// assert!(!format!("{step:?}").contains("hunter22"));
    /// ```
    #[must_use]
    pub fn reads_secret(self, secret: Secret) -> Self {
        self.stdin(Stdin::Secret(secret))
    }

    /// Feeds the backup to standard input.
    #[must_use]
    pub fn reads_backup(self) -> Self {
        self.stdin(Stdin::Backup { prefix: ByteString(Vec::new()), suffix: ByteString(Vec::new()) })
    }

    /// Makes exit codes mean success with a warning.
    #[must_use]
    pub fn warns_on(mut self, codes: impl IntoIterator<Item = i32>) -> Self {
        self.warn.extend(codes);
        self
    }

    /// Makes words on standard error mean failure whatever the exit code.
    #[must_use]
    pub fn fails_on(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.fatal.extend(words.into_iter().map(Into::into));
        self
    }

    /// Makes each line on standard error a warning.
    #[must_use]
    pub fn stderr_warns(mut self) -> Self {
        self.stderr = Stderr::Warnings;
        self
    }

    /// Passes over lines on standard error with one of these words: what the program says of options that are not for it.
    #[must_use]
    pub fn ignores(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.ignored.extend(words.into_iter().map(Into::into));
        self
    }

    /// Takes lines on standard error for the adapter's own sentences, each a warning.
    #[must_use]
    pub fn stderr_reports(mut self) -> Self {
        self.stderr = Stderr::Sentences;
        self
    }

    /// Changes this in the script that it reads as the backup.
    #[must_use]
    pub fn edits_script(mut self, edits: ScriptEdits) -> Self {
        self.edits = Some(Box::new(edits));
        self
    }

    /// Makes success show in what it puts out at its end, as the last program of a restore.
    #[must_use]
    pub fn required_output(mut self, words: impl AsRef<[u8]>) -> Self {
        self.required_output = Some(ByteString(words.as_ref().to_vec()));
        self
    }

    /// Returns the names of the program for a sentence: `mariadb-dump or mysqldump`.
    pub fn name(&self) -> String {
        self.programs.join(" or ")
    }

    /// Every secret in the step, for the scrubber.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let of_input = match &self.stdin {
            Stdin::Secret(secret) => Some(secret),
            Stdin::Nothing | Stdin::Literal(_) | Stdin::Backup { .. } => None,
        };
        let of_args = self.args.iter().filter_map(|arg| match arg {
            Arg::SecretFile { content, .. } => Some(content),
            Arg::Plain(_) => None,
        });
        of_args.chain(of_input)
    }

    /// Judges this end of the program.
    pub fn judge(&self, exit: Exit) -> Judgement {
        match exit {
            Exit::Code(code) if self.ok.contains(&code) => Judgement::Ok,
            Exit::Code(code) if self.warn.contains(&code) => Judgement::Warning,
            _ => Judgement::Failure,
        }
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// It ended by itself with this status.
    Code(i32),
    /// A signal ended it: never a success.
    Signal(i32),
    /// The way to it broke before its status was known: never a success.
    Lost,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}{}", signal_name(*signal)),
            Self::Lost => f.write_str("no exit status arrived"),
        }
    }
}

/// The names of the signals that people meet, for messages.
fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        3 => " (SIGQUIT)",
        6 => " (SIGABRT)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

impl From<std::process::ExitStatus> for Exit {
    fn from(status: std::process::ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt;
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Lost,
        }
    }
}

/// What the end of a program means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It did what it was asked for.
    Ok,
    /// It did, with a warning.
    Warning,
    /// It did not.
    Failure,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_never_a_success() {
        let step = Step::new("tar").warns_on([1]);
        assert_eq!(step.judge(Exit::Signal(9)), Judgement::Failure);
        assert_eq!(step.judge(Exit::Lost), Judgement::Failure);
        assert_eq!(step.judge(Exit::Code(1)), Judgement::Warning);
    }

    #[test]
    fn a_secret_on_standard_input_is_known_to_the_scrubber_and_survives_the_link_unseen() {
        let step = Step::new("login").arg("--password-stdin").reads_secret(Secret::new("hunter22"));
        assert_eq!(step.secrets().map(Secret::expose).collect::<Vec<_>>(), ["hunter22"]);
        assert!(!format!("{step:?}").contains("hunter22"), "{step:?}");
        let arrived: Step = postcard::from_bytes(&postcard::to_stdvec(&step).unwrap()).unwrap();
        assert_eq!(arrived, step);
    }
}
