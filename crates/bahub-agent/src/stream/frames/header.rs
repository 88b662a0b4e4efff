//! What a zstd frame says of itself: RFC 8878, section 3.1.1.

use std::io::{self, BufRead};

/// The most bytes of a frame's header, magic included.
pub(in crate::stream) const MAX_HEADER: usize = 18;

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    length: usize,
    content: Option<u64>,
    has_checksum: bool,
    needs_dictionary: bool,
}

impl Header {
    /// Reads a header, its magic included; `None` where it is cut or of an unknown form.
    pub(super) fn parse(head: &[u8]) -> Option<Self> {
        let descriptor = *head.strip_prefix(&super::super::decompress::ZSTD)?.first()?;
        let is_single_segment = descriptor & 0x20 != 0;
        if descriptor & 0x08 != 0 {
            return None;
        }
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let content = match descriptor >> 6 {
            0 => usize::from(is_single_segment),
            flag => 1 << flag,
        };
        let window = usize::from(!is_single_segment);
        let at = 5 + window + dictionary;
        let mut size = [0; 8];
        size[..content].copy_from_slice(head.get(at..at + content)?);
        let size = u64::from_le_bytes(size);
        Some(Self {
            length: at + content,
            // Two bytes begin to count where one ends.
            content: (content > 0).then_some(if content == 2 { size + 256 } else { size }),
            has_checksum: descriptor & 0x04 != 0,
            needs_dictionary: dictionary > 0,
        })
    }

    /// Whether it says that its content is of at most this many bytes.
    pub(super) fn holds_at_most(&self, bytes: usize) -> bool {
        !self.needs_dictionary && self.content.is_some_and(|content| content <= bytes as u64)
    }

    /// Takes the whole frame from a reader, block by block; false where it is longer than `most`, and what was taken of it is
    /// in the buffer.
    pub(super) fn take_frame(&self, reader: &mut impl BufRead, frame: &mut Vec<u8>, most: usize) -> io::Result<bool> {
        take(reader, frame, self.length)?;
        loop {
            take(reader, frame, 3)?;
            let [.., low, middle, high] = frame[..] else { return Err(cut()) };
            let header = u32::from_le_bytes([low, middle, high, 0]);
            let is_last = header & 1 != 0;
            let size = match header >> 1 & 3 {
                // One byte, to be repeated.
                1 => 1,
                _ => (header >> 3) as usize,
            };
            let size = size + if is_last && self.has_checksum { 4 } else { 0 };
            // With the header of a block that may follow.
            if frame.len() + size + 3 > most {
                return Ok(false);
            }
            take(reader, frame, size)?;
            if is_last {
                return Ok(true);
            }
        }
    }
}

/// Appends exactly this many bytes.
fn take(reader: &mut impl BufRead, frame: &mut Vec<u8>, mut count: usize) -> io::Result<()> {
    while count > 0 {
        let part = reader.fill_buf()?;
        if part.is_empty() {
            return Err(cut());
        }
        let taken = part.len().min(count);
        frame.extend_from_slice(&part[..taken]);
        reader.consume(taken);
        count -= taken;
    }
    Ok(())
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "a zstd frame is cut off")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn frame(content: &[u8], checksum: bool, pledged: bool) -> Vec<u8> {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.include_checksum(checksum).unwrap();
        encoder.set_pledged_src_size(pledged.then_some(content.len() as u64)).unwrap();
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_content_is_as_large_as_the_header_says() {
        for size in [0, 1, 255, 256, 257, 65_791, 65_792, 300_000] {
            let frame = frame(&vec![7; size], false, true);
            let header = Header::parse(&frame).unwrap();
            assert_eq!(header.content, Some(size as u64));
            assert!(header.holds_at_most(size) && (size == 0 || !header.holds_at_most(size - 1)));
            for cut in 0..header.length {
                assert_eq!(Header::parse(&frame[..cut]), None, "{size} cut at {cut}");
            }
        }
        let unknown = Header::parse(&frame(&[7; 1000], false, false)).unwrap();
        assert!(unknown.content.is_none() && !unknown.holds_at_most(usize::MAX));
    }

    #[test]
    fn a_frame_that_needs_a_dictionary_is_for_others_to_refuse() {
        let head = [0x28, 0xB5, 0x2F, 0xFD, 0x21, 9, 5];
        let header = Header::parse(&head).unwrap();
        assert_eq!((header.content, header.length), (Some(5), 7));
        assert!(!header.holds_at_most(100));
    }

    #[test]
    fn a_frame_is_taken_to_its_last_byte_and_no_further() {
        let noise = |size: usize| (0..size as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let contents: [Vec<u8>; 5] = [vec![], vec![1], noise(200_000), vec![9; 400_000], noise(5)];
        for checksum in [false, true] {
            let frames = contents.iter().map(|content| frame(content, checksum, true)).collect::<Vec<_>>();
            let stream = frames.concat();
            let mut rest = io::BufReader::with_capacity(1000, stream.as_slice());
            for (expected, content) in frames.iter().zip(&contents) {
                let mut taken = Vec::new();
                let header = Header::parse(expected).unwrap();
                assert!(header.take_frame(&mut rest, &mut taken, 1 << 20).unwrap());
                assert_eq!((&taken, &zstd::decode_all(taken.as_slice()).unwrap()), (expected, content));
            }
            assert_eq!(rest.read(&mut [0]).unwrap(), 0);
        }
    }

    #[test]
    fn a_frame_that_is_longer_than_is_taken_loses_nothing() {
        let frame = frame(&(0..1_000_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>(), true, true);
        let (mut taken, mut rest) = (Vec::with_capacity(5000), frame.as_slice());
        assert!(!Header::parse(&frame).unwrap().take_frame(&mut rest, &mut taken, 5000).unwrap());
        assert!(taken.len() <= 5000);
        assert_eq!([&taken, rest].concat(), frame);
    }

    #[test]
    fn a_frame_that_is_cut_is_an_error_wherever() {
        let frame = frame(b"some bytes of data", true, true);
        let header = Header::parse(&frame).unwrap();
        for cut in 0..frame.len() {
            let error = header.take_frame(&mut &frame[..cut], &mut Vec::new(), 1 << 20).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "cut at {cut}");
        }
    }
}
