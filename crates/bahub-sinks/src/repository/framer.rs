//! The body in chunks that the server's checks accept.

use bytes::{Bytes, BytesMut};

/// Cuts a message into chunks of the HTTP body.
///
/// The server looks for the armour's header in its first read and for the footer in its last one, and a read never
/// holds more than a chunk: so the first chunk is a large one, and the last one holds the footer and what stands
/// before it.
#[derive(Debug, Default)]
pub(super) struct Framer {
    held: BytesMut,
}

impl Framer {
    /// A chunk but the last. Progress is watched by it, so it is not larger: 64 KiB within the stall timeout.
    pub(super) const CHUNK: usize = 64 << 10;
    /// What is kept back for the last chunk; small enough for one TLS record (16 KiB) with it.
    pub(super) const TAIL: usize = 8 << 10;

    /// Takes bytes, as many as [`Framer::room`] says at most, and gives a chunk if there is one.
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
        // The first chunk of all may be this one: it is cut only if a kibibyte stays in it.
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
