//! Counting and hashing what is read.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use openssl::sha::Sha256;

/// Passes bytes through, counting them and taking their SHA-256.
pub(crate) struct HashingReader<R> {
    inner: R,
    digest: Digest,
    count: Arc<AtomicU64>,
}

/// The SHA-256 of what was read so far, for somebody who does not hold the reader.
#[derive(Clone, Default)]
pub(crate) struct Digest(Arc<Mutex<Sha256>>);

impl Digest {
    /// In hexadecimal.
    pub(crate) fn hex(&self) -> String {
        let hash = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        hash.finish().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl<R: Read> HashingReader<R> {
    /// Counts into `count` and hashes into `digest`, where others can look.
    pub(crate) fn new(inner: R, count: Arc<AtomicU64>, digest: Digest) -> Self {
        Self { inner, digest, count }
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.digest.0.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..count]);
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
