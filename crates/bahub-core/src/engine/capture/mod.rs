//! The capture of a backup, from the job to the version.

mod commit;
mod dialogue;
mod feed;
mod order;
mod outcome;
mod phases;

pub(super) use dialogue::Capturing;
pub(super) use feed::Feed;
