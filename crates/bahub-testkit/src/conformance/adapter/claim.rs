//! What every adapter promises.

use super::super::Claim;

/// Two equal calls give equal recipes.
pub const PURE: Claim = Claim("two equal calls give equal recipes");
/// No secret is in argv, environment, literal input or `Debug`.
pub const LEAKS_NO_SECRET: Claim = Claim("no secret is in argv, environment, literal input or Debug");
/// Every step names a program, and what its exit codes mean.
pub const STEPS_ARE_WHOLE: Claim =
    Claim("every step names a program and has exit codes that mean success, but not all of them");
/// No value is pasted into a shell script.
pub const NO_SHELL_WITH_VALUES: Claim = Claim("no value is pasted into a shell's script");
/// A capture reads something, and never the backup.
pub const CAPTURE_READS: Claim = Claim("a capture has a segment with a program, and none that reads the backup");
/// The first program of a restore, and no other, reads the backup.
pub const REPLAY_READS_THE_BACKUP: Claim =
    Claim("the first main program of a restore reads the backup, and no other does");
/// A value that looks like an option is not treated as one.
pub const VALUES_ARE_NO_OPTIONS: Claim = Claim("a member that looks like an option stands after -- or is refused");
/// A target that it cannot restore to is refused with a hint.
pub const REFUSES_WITH_A_WAY_OUT: Claim = Claim("a target that it cannot restore to is refused with a hint");

/// The targets that it states are those that it restores to.
pub const CAPABLE_AS_STATED: Claim = Claim("it restores to the targets that its capabilities state, and to no others");

/// Every claim of [`adapter`](super::super::adapter()), in the order of its check.
pub const ALL: [Claim; 9] = [
    PURE,
    LEAKS_NO_SECRET,
    STEPS_ARE_WHOLE,
    NO_SHELL_WITH_VALUES,
    CAPTURE_READS,
    REPLAY_READS_THE_BACKUP,
    VALUES_ARE_NO_OPTIONS,
    REFUSES_WITH_A_WAY_OUT,
    CAPABLE_AS_STATED,
];

/// Data that was backed up and lost is restored.
pub const COMES_BACK: Claim = Claim("what was backed up and lost comes back");
/// The census prints counts: a number, a space and a name on each line.
pub const CENSUS_COUNTS: Claim = Claim("what the census puts out is a number, a space and a name on each line");
/// No secret is seen in the process list of a run.
pub const NO_SECRET_IN_PROC: Claim = Claim("no secret is seen in /proc while a backup and a restore run");
/// A program that is killed in mid-stream leaves no version.
pub const KILLED_LEAVES_NO_VERSION: Claim =
    Claim("a capturing program that SIGKILL ends in mid-stream leaves no version");
/// A program that ends with an unexpected status leaves no version.
pub const FAILED_LEAVES_NO_VERSION: Claim = Claim("a capturing program that exits with a failure leaves no version");
/// A missing program is found before the run, and named.
pub const MISSING_IS_NAMED: Claim = Claim("a missing program is found before anything is begun, and named");
/// A damaged version is refused and nothing is touched.
pub const DAMAGE_TOUCHES_NOTHING: Claim = Claim("a restore from a damaged version fails and touches nothing");

/// Every claim of [`adapter_round_trip`](super::super::adapter_round_trip()), in the order of its check.
pub const ROUND_TRIP: [Claim; 7] = [
    COMES_BACK,
    CENSUS_COUNTS,
    NO_SECRET_IN_PROC,
    DAMAGE_TOUCHES_NOTHING,
    KILLED_LEAVES_NO_VERSION,
    FAILED_LEAVES_NO_VERSION,
    MISSING_IS_NAMED,
];
