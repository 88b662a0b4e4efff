//! What every transport promises. The target must have `sh`, `cat`, `head`, `printf`, `sha256sum`, `mkfifo`, `sleep`,
//! `ls`, `wc`, `yes`, `rm`, `kill` and `test`: busybox is enough.

use super::super::Claim;

/// Each word of a command arrives as one, including spaces and quotes.
pub const WORDS_ARRIVE: Claim = Claim("each word of a command arrives as one, spaces and quotes in it");
/// Random bytes arrive at the program exactly.
pub const BYTES_IN: Claim = Claim("random bytes arrive at the program exactly");
/// A program's output arrives to its last byte, even if it ends at once.
pub const BYTES_OUT: Claim = Claim("a program's output arrives to its last byte");
/// Random bytes both ways at once are exact.
pub const BYTES_BOTH_WAYS: Claim = Claim("random bytes both ways at once are exact");
/// Exit codes are exact.
pub const EXIT_CODES: Claim = Claim("exit codes are exact");
/// A program killed by a signal is not reported as successful.
pub const SIGNAL_IS_NO_SUCCESS: Claim = Claim("a program killed by a signal is not reported as successful");
/// A missing program is not reported as successful.
pub const MISSING_IS_NO_SUCCESS: Claim = Claim("a missing program is not reported as successful");
/// Standard error is separate from standard output.
pub const STDERR_APART: Claim = Claim("standard error is apart from standard output");
/// A flood on standard error does not block, nor does a silent standard error.
pub const STDERR_DOES_NOT_BLOCK: Claim = Claim("standard error that floods or is silent does not block");
/// The end of standard input reaches the program.
pub const STDIN_ENDS: Claim = Claim("the end of standard input reaches the program");
/// Dropping a process kills the program.
pub const DROP_KILLS: Claim = Claim("dropping a process kills the program");
/// A placed file has its bytes, and runs.
pub const PLACED_FILE_RUNS: Claim = Claim("a placed file has its bytes, and runs");
/// A placed file is in a folder that only its owner can access.
pub const PLACED_PRIVATELY: Claim = Claim("a placed file is in a folder that only its owner can access");
/// Two sessions at once do not disturb each other.
pub const SESSIONS_ARE_APART: Claim = Claim("two sessions at once do not disturb each other");
/// The close removes placed files and their folder.
pub const CLOSE_REMOVES_FILES: Claim = Claim("the close removes placed files and their folder");
/// The close leaves no program.
pub const CLOSE_LEAVES_NO_PROGRAM: Claim = Claim("the close leaves no program");
/// `Debug` of the transport contains no secret.
pub const LEAKS_NO_SECRET: Claim = Claim("Debug of the transport holds no secret");
/// Every session is connected to the same instance, which has a name.
pub const SAME_INSTANCE: Claim = Claim("every session is connected to the same instance, which has a name");
/// The instance's own paths are accepted.
pub const OWN_PATHS: Claim = Claim("the instance's own paths are its own");
/// A path that is not the instance's own is refused, with a hint.
pub const FOREIGN_PATHS: Claim = Claim("a path that is not the instance's own is refused, with a hint");
/// A workload is down until resume, and no longer.
pub const RESUME_BRINGS_BACK: Claim = Claim("a workload is down until resume, and not longer");
/// A workload that was started and stopped meanwhile is reported as not quiet.
pub const FLIPS_ARE_NOTICED: Claim = Claim("a workload that was started and stopped meanwhile was not quiet");
/// Through an agent: arguments with every byte arrive intact.
pub const STEP_ARGUMENTS: Claim = Claim("through an agent, arguments with every byte arrive whole");
/// Through an agent: exit codes and signals of steps are exact.
pub const STEP_ENDS: Claim = Claim("through an agent, exit codes and signals of steps are exact");
/// Through an agent: a cancellation kills the remote process tree.
pub const CANCEL_KILLS_THE_TREE: Claim = Claim("through an agent, a cancellation kills the remote process tree");
/// Through an agent: a lost link kills the remote process tree.
pub const LOST_LINK_KILLS_THE_TREE: Claim =
    Claim("through an agent, a link that is gone kills the remote process tree");

/// Every claim, in the order of its check.
pub const ALL: [Claim; 26] = [
    WORDS_ARRIVE,
    BYTES_IN,
    BYTES_OUT,
    BYTES_BOTH_WAYS,
    EXIT_CODES,
    SIGNAL_IS_NO_SUCCESS,
    MISSING_IS_NO_SUCCESS,
    STDERR_APART,
    STDERR_DOES_NOT_BLOCK,
    STDIN_ENDS,
    DROP_KILLS,
    PLACED_FILE_RUNS,
    PLACED_PRIVATELY,
    SESSIONS_ARE_APART,
    CLOSE_REMOVES_FILES,
    CLOSE_LEAVES_NO_PROGRAM,
    LEAKS_NO_SECRET,
    SAME_INSTANCE,
    OWN_PATHS,
    FOREIGN_PATHS,
    RESUME_BRINGS_BACK,
    FLIPS_ARE_NOTICED,
    STEP_ARGUMENTS,
    STEP_ENDS,
    CANCEL_KILLS_THE_TREE,
    LOST_LINK_KILLS_THE_TREE,
];

/// The claims that are only tried if the options name foreign paths, or a workload that the transport stops.
pub const OF_A_WORKLOAD: [Claim; 3] = [FOREIGN_PATHS, RESUME_BRINGS_BACK, FLIPS_ARE_NOTICED];

/// Every claim except [`OF_A_WORKLOAD`]: for a transport that runs commands in the instance itself, and stops nothing.
pub fn without_a_workload() -> Vec<Claim> {
    ALL.into_iter().filter(|claim| !OF_A_WORKLOAD.contains(claim)).collect()
}
