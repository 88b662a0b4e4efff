//! The body in chunks that the server's checks accept.

use bytes::{Bytes, BytesMut};

/// Cuts a message into chunks of the HTTP body.
///
/// The server looks for the armour's header in its first read and for the footer in its last one, and a read never
/// contains more than a chunk: so the first chunk is large, and the last one contains the footer and some bytes before it.
#[derive(Debug, Default)]
pub(super) struct Framer {
    held: BytesMut,
}

impl Framer {
    /// The size of every chunk except the last. Progress is measured in chunks, so it is small: 64 KiB per stall timeout.
    pub(super) const CHUNK: usize = 64 << 10;
    /// What is kept back for the last chunk; small enough to fit into one TLS record (16 KiB) with its framing.
    pub(super) const TAIL: usize = 8 << 10;

    /// Takes at most [`Framer::room`] bytes, and returns a chunk if one is complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<Bytes> {
        self.held.extend_from_slice(bytes);
        (self.room() == 0).then(|| self.held.split_to(Self::CHUNK).freeze())
    }

    /// How many bytes until the next chunk.
    pub(super) fn room(&self) -> usize {
        (Self::CHUNK + Self::TAIL).saturating_sub(self.held.len())
    }

    /// The rest: nothing, one chunk, or a chunk and a last one of [`Framer::TAIL`] bytes.
    pub(super) fn finish(mut self) -> impl Iterator<Item = Bytes> {
        // This may be the very first chunk: it is split only if a kibibyte stays in it.
        let last = if self.held.len() >= Self::TAIL + 1024 {
            self.held.split_off(self.held.len() - Self::TAIL)
        } else {
            BytesMut::new()
        };
        [self.held, last].into_iter().filter(|chunk| !chunk.is_empty()).map(BytesMut::freeze)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(size: usize, step: usize) -> Vec<Bytes> {
        let message: Vec<u8> = (0..size).map(|index| index as u8).collect();
        let (mut framer, mut chunks) = (Framer::default(), Vec::new());
        for mut piece in message.chunks(step) {
            while !piece.is_empty() {
                let (now, later) = piece.split_at(piece.len().min(framer.room()));
                chunks.extend(framer.push(now));
                piece = later;
            }
        }
        chunks.extend(framer.finish());
        assert_eq!(chunks.concat(), message);
        chunks
    }

    #[test]
    fn the_first_chunk_holds_a_kibibyte_and_the_last_one_four() {
        let edge = Framer::CHUNK + Framer::TAIL;
        for size in [
            1,
            100,
            1023,
            1024,
            4096,
            Framer::TAIL,
            Framer::TAIL + 1023,
            Framer::TAIL + 1024,
            edge - 1,
            edge,
            edge + 1,
            3 * edge + 17,
        ] {
            for step in [1, 57, 4096, 1 << 20] {
                let chunks = chunks(size, step);
                assert!(chunks[0].len() >= size.min(1024), "{size} {step}");
                assert!(chunks.last().unwrap().len() >= size.min(4096), "{size} {step}");
                assert!(chunks.iter().all(|chunk| chunk.len() <= edge), "{size} {step}");
            }
        }
    }
}
