//! The SHA-256 of a message, taken in a thread of its own beside what else is done with it.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use bahub_core::hex;
use bytes::Bytes;
use openssl::sha::Sha256;

/// How many chunks may wait.
const DEPTH: usize = 8;

/// Takes chunks in; dropping it states their end.
pub(crate) struct Feed(SyncSender<Bytes>);

/// The hash that will be known at the end.
pub(crate) struct Digest(JoinHandle<[u8; 32]>);

/// Starts the thread.
pub(crate) fn digest() -> (Feed, Digest) {
    let (sender, chunks) = sync_channel::<Bytes>(DEPTH);
    let thread = thread::spawn(move || {
        let mut sha256 = Sha256::new();
        chunks.iter().for_each(|chunk| sha256.update(&chunk));
        sha256.finish()
    });
    (Feed(sender), Digest(thread))
}

impl Feed {
    /// Takes the next chunk; waits for room.
    pub(crate) fn push(&self, chunk: Bytes) {
        // The thread ends before its feed only by a panic, which `hex` meets.
        let _ = self.0.send(chunk);
    }
}

impl Digest {
    /// Waits for the end, and returns the hash in hexadecimal; `None` if the thread broke off.
    pub(crate) fn hex(self) -> Option<String> {
        let hash = self.0.join().ok()?;
        Some(hex::encode(&hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_of_all_chunks_in_order() {
        let (feed, digest) = digest();
        ["ab", "", "c"].iter().for_each(|text| feed.push(Bytes::from_static(text.as_bytes())));
        drop(feed);
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.hex().as_deref(), Some(expected));
    }
}
