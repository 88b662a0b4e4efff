//! What every sink promises.

use super::super::Claim;

/// A committed version is listed with its exact size and reads back byte for byte, whatever its size and chunking.
pub const COMES_BACK_WHOLE: Claim = Claim("a committed version is listed with its size and reads back byte for byte");
/// Size and SHA-256 in the receipt, listing and download match the bytes.
pub const FACTS_AGREE: Claim = Claim("size and SHA-256 of receipt, listing and download are those of the bytes");
/// Nothing can be listed or opened before the commit.
pub const INVISIBLE_BEFORE_COMMIT: Claim = Claim("nothing is visible before the commit");
/// An aborted upload leaves nothing, and the next one works.
pub const ABORT_LEAVES_NOTHING: Claim = Claim("an aborted upload leaves nothing visible, and the next one works");
/// A dropped upload leaves nothing, and the next one works.
pub const DROP_LEAVES_NOTHING: Claim = Claim("a dropped upload leaves nothing visible, and the next one works");
/// Numbers grow from commit to commit; the list is oldest first and complete.
pub const NUMBERS_GROW: Claim = Claim("numbers grow, and the list has every version, oldest first");
/// Of two concurrent uploads both become versions, or one is refused cleanly.
pub const TWO_AT_ONCE: Claim =
    Claim("of two uploads at once both become versions of their own, or one is refused cleanly");
/// A missing version is [`NotFound`](bahub_core::sink::SinkErrorKind::NotFound).
pub const ABSENT_IS_NOT_FOUND: Claim = Claim("a version that is not there is NotFound");
/// Removing a version removes exactly that one, or is refused and removes nothing.
pub const REMOVES_EXACTLY_ONE: Claim = Claim("removing a version removes exactly that one, or is refused");
/// A version that was marked as partial is listed and opened as one, if the sink states that it can; else the mark is refused.
pub const STATES_WHAT_IS_PARTIAL: Claim = Claim("a partial version is listed and opened as one, or is refused");
/// The identity does not change, and differs between collections.
pub const IDENTITY_IS_STABLE: Claim = Claim("the identity is stable, and names one collection");
/// Identity, `Debug`, locations, delegations and errors contain no secret.
pub const LEAKS_NO_SECRET: Claim = Claim("identity, Debug, locations, delegations and errors hold no secret");

/// Every claim, in the order of its check.
pub const ALL: [Claim; 12] = [
    COMES_BACK_WHOLE,
    FACTS_AGREE,
    INVISIBLE_BEFORE_COMMIT,
    ABORT_LEAVES_NOTHING,
    DROP_LEAVES_NOTHING,
    NUMBERS_GROW,
    TWO_AT_ONCE,
    ABSENT_IS_NOT_FOUND,
    REMOVES_EXACTLY_ONE,
    STATES_WHAT_IS_PARTIAL,
    IDENTITY_IS_STABLE,
    LEAKS_NO_SECRET,
];
