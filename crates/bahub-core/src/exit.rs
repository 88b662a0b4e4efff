//! The exit codes of the programs, in one table.

/// How a program of bahub ends; the number is the process's exit code.
///
/// ```
/// use bahub_core::exit::ExitCode;
///
/// assert_eq!(ExitCode::Integrity.code(), 12);
/// assert_eq!(ExitCode::of(12).map(ExitCode::name), Some("integrity"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum ExitCode {
    /// Done; the report names the warnings.
    Ok = 0,
    /// The system failed in a way that has no code of its own.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The configuration is missing or wrong.
    Config = 3,
    /// Done with warnings, and `--fail-on-warnings` was given.
    Warnings = 4,
    /// Another run of this backup goes on.
    Locked = 5,
    /// A key is missing, unusable, locked, or does not match the message.
    Keys = 6,
    /// The target cannot be reached, or refuses.
    Target = 7,
    /// A check before the run failed; nothing was begun.
    Preflight = 8,
    /// A program that captures or restores did not succeed.
    Program = 9,
    /// The store refused, broke off or cannot be reached.
    Store = 10,
    /// There is no such collection or version.
    NoVersion = 11,
    /// A message is damaged or is another one than expected.
    Integrity = 12,
    /// The agent could not be started, or its connection broke.
    Agent = 13,
    /// The run took longer than its timeout.
    Timeout = 14,
    /// This adapter cannot restore there.
    Unsupported = 15,
    /// The file of a download, or the list or text that was asked for, cannot be written.
    Output = 16,
    /// A restore over live data was not confirmed.
    Declined = 17,
    /// A version was made without some parts of the data.
    Partial = 18,
    /// `status`: a backup fails, or is older than its `max_age`.
    Stale = 19,
    /// A commit's answer was lost: there may be a version.
    Unknown = 70,
    /// Something that was changed could not be brought back.
    Undo = 100,
    /// bahub itself failed: a bug. What could not be brought back has a code above it.
    Internal = 101,
    /// Ended by Ctrl-C or SIGTERM: no new version; a restore may be half done.
    Cancelled = 130,
}

impl ExitCode {
    /// Every code, in the order of the numbers.
    pub const ALL: [Self; 24] = [
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::Config,
        Self::Warnings,
        Self::Locked,
        Self::Keys,
        Self::Target,
        Self::Preflight,
        Self::Program,
        Self::Store,
        Self::NoVersion,
        Self::Integrity,
        Self::Agent,
        Self::Timeout,
        Self::Unsupported,
        Self::Output,
        Self::Declined,
        Self::Partial,
        Self::Stale,
        Self::Unknown,
        Self::Undo,
        Self::Internal,
        Self::Cancelled,
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The code of this number.
    pub fn of(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.code() == code)
    }

    /// The more urgent of two: what could not be brought back comes before everything else.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if self == Self::Undo || other == Self::Undo { Self::Undo } else { self.max(other) }
    }

    /// A word for scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Config => "config",
            Self::Warnings => "warnings",
            Self::Locked => "locked",
            Self::Keys => "keys",
            Self::Target => "target",
            Self::Preflight => "preflight",
            Self::Program => "program",
            Self::Store => "store",
            Self::NoVersion => "no-version",
            Self::Integrity => "integrity",
            Self::Agent => "agent",
            Self::Timeout => "timeout",
            Self::Unsupported => "unsupported",
            Self::Output => "output",
            Self::Declined => "declined",
            Self::Partial => "partial",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
            Self::Undo => "undo",
            Self::Internal => "internal",
            Self::Cancelled => "cancelled",
        }
    }

    /// What it means, in a phrase.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done; the report names the warnings",
            Self::Failed => "a failure that has no exit code of its own",
            Self::Usage => "the command line is wrong",
            Self::Config => "the configuration is missing or wrong",
            Self::Warnings => "done with warnings, which count as a failure on request",
            Self::Locked => "another run of this backup is in progress",
            Self::Keys => "a key is missing, unusable, locked, or does not match the message",
            Self::Target => "the host, container or pod is unreachable or refused access",
            Self::Preflight => "a check before the run failed; nothing was started",
            Self::Program => "a dump or restore program failed",
            Self::Store => "the store is unreachable, refused access or failed",
            Self::NoVersion => "there is no such collection or version",
            Self::Integrity => "a stored message is damaged or is not the expected one",
            Self::Agent => "the agent could not be started, or its connection broke",
            Self::Timeout => "the run took longer than its timeout",
            Self::Unsupported => "the adapter does not support this restore",
            Self::Output => "the downloaded file or the output cannot be written",
            Self::Declined => "a restore over live data, or to another instance, was not confirmed",
            Self::Partial => "a version was made, but some parts of the data could not be read and are not in it",
            Self::Stale => "the status shows a backup that fails, is too old, or was never made",
            Self::Unknown => {
                "the answer to a commit was lost: there may be a new version, or a restore may have taken effect"
            }
            Self::Undo => "something that the run changed could not be undone",
            Self::Internal => "bahub failed because of a bug; what could not be undone is reported",
            Self::Cancelled => "ended by Ctrl-C or SIGTERM: no new version; a restore may be half done",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_in_order() {
        assert!(ExitCode::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
        for exit in ExitCode::ALL {
            assert_eq!(ExitCode::of(exit.code()), Some(exit));
        }
    }
}
