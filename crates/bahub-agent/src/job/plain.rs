//! The content of a message as it is read: counted, and looked at where it ends.

use std::io::{self, Read};
use std::sync::atomic::Ordering;

use bahub_core::capture::MissingPart;
use bahub_core::facts::Fact;
use bahub_core::link::{Failure, FailureKind};
use bahub_core::step::ByteString;

use super::JobContext;
use crate::stream::{Ahead, Decompressor};

/// How much is read at once.
pub(super) const READ: usize = 256 * 1024;

/// The content of a message: decrypted, and decompressed where it is looked at.
pub(super) type Plain = Decompressor<Ahead>;

/// Refuses content that was cut before it was encrypted.
pub(super) fn ended_whole(plain: &Plain, trailer: Option<&ByteString>) -> Result<(), Failure> {
    match trailer {
        Some(trailer) if !plain.ends_with(&trailer.0) => Err(Failure {
            kind: FailureKind::Integrity,
            message: format!("the backup does not end with {trailer:?}: its data was cut off before it was encrypted"),
            help: Some(
                "restore another version ({list the versions}); to inspect what there is, {download the data}".into(),
            ),
        }),
        _ => Ok(()),
    }
}

/// Reads everything, counting it.
pub(super) fn measure(
    plain: &mut Plain,
    cx: &JobContext,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; READ];
    loop {
        match read_some(plain, cx, &mut buffer)? {
            0 => return Ok(()),
            count => each(&buffer[..count])?,
        }
    }
}

/// Refuses a part that is not whole in the backup; its end was read.
pub(super) fn part_whole(plain: &Plain, name: &str) -> Result<(), Failure> {
    let missing = plain.content().facts.iter().find_map(|fact| match fact {
        Fact::Missing(missing) if missing.name == name => Some(missing),
        _ => None,
    });
    match missing {
        None => Ok(()),
        Some(MissingPart { reason, .. }) => Err(Failure {
            kind: FailureKind::Integrity,
            message: format!("the backup does not contain all of its part {name:?}: {reason}"),
            help: Some(
                "restore the others: {choose what is restored}; or another version ({list the versions})".into(),
            ),
        }),
    }
}

/// Reads the data, counting it.
pub(super) fn read_some(plain: &mut Plain, cx: &JobContext, buffer: &mut [u8]) -> io::Result<usize> {
    counted(cx, || plain.read(buffer))
}

/// Reads what is left of the segment, counting it.
pub(super) fn read_segment(plain: &mut Plain, cx: &JobContext, buffer: &mut [u8]) -> io::Result<usize> {
    counted(cx, || plain.read_segment(buffer))
}

fn counted(cx: &JobContext, mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => {
                let count = read?;
                cx.counters.plain.fetch_add(count as u64, Ordering::Relaxed);
                return Ok(count);
            }
        }
    }
}
