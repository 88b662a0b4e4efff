//! The last bytes of a stream, where its end has to be of a certain form.

use bahub_core::capture::TRAILER_WITHIN;

/// Remembers the last [`TRAILER_WITHIN`] bytes.
#[derive(Debug, Default)]
pub(crate) struct Tail(Vec<u8>);

impl Tail {
    /// Takes in what came.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let kept = TRAILER_WITHIN.saturating_sub(bytes.len()).min(self.0.len());
        self.0.drain(..self.0.len() - kept);
        self.0.extend(&bytes[bytes.len().saturating_sub(TRAILER_WITHIN)..]);
    }

    /// These bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether these words are among them.
    pub(crate) fn holds(&self, words: &[u8]) -> bool {
        memchr::memmem::find(&self.0, words).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_the_last_bytes_however_they_come() {
        for size in [1, 7, TRAILER_WITHIN - 1, TRAILER_WITHIN, 5000] {
            let mut tail = Tail::default();
            let stream = [&[b'.'; 5000][..], b"the end", &[b'.'; TRAILER_WITHIN - 7]].concat();
            stream.chunks(size).for_each(|part| tail.push(part));
            assert!(tail.holds(b"the end"), "{size}");
            tail.push(b".");
            assert!(!tail.holds(b"the end"), "{size}");
        }
    }
}
