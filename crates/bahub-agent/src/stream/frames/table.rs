//! The seek table that ends a stream: where each frame begins, and what it holds. The format is zstd's own
//! (`contrib/seekable_format/zstd_seekable_compression_format.md`, 0.1.0); for `zstd -d` it is one more frame to skip.

use std::io::{self, Read, Write};

/// The first four bytes of the frame that holds it; others use this one too.
pub(in crate::stream) const TABLE_MAGIC: u32 = 0x184D_2A5E;
/// The last four bytes of a stream with a table.
const SEEKABLE_MAGIC: u32 = 0x8F92_EAB1;
/// The most frames that the format has room for. 4 MiB each, they hold 512 TiB.
const MAX_FRAMES: usize = 0x800_0000;
/// The bytes of an entry.
const ENTRY: usize = 8;
/// The bytes of the footer.
const FOOTER: usize = 9;

/// The sizes of the frames so far, skippable ones included. It takes 8 bytes a frame: 2 MiB for a TiB.
#[derive(Debug, Default)]
pub(in crate::stream) struct SeekTable {
    entries: Vec<[u32; 2]>,
    /// There was a frame that it has no room for: a table that is wrong is worse than none.
    is_over: bool,
}

impl SeekTable {
    /// Notes the next frame; content that `zstd -d` skips has the size 0.
    pub(in crate::stream) fn push(&mut self, compressed: usize, content: usize) {
        match (u32::try_from(compressed), u32::try_from(content)) {
            (Ok(compressed), Ok(content)) if self.entries.len() < MAX_FRAMES => {
                self.entries.push([compressed, content]);
            }
            _ => self.is_over = true,
        }
    }

    /// Writes the table as a whole skippable frame.
    pub(in crate::stream) fn write_to(&self, sink: &mut impl Write) -> io::Result<()> {
        if self.is_over {
            return Ok(());
        }
        let size = u32::try_from(self.entries.len() * ENTRY + FOOTER).map_err(io::Error::other)?;
        let count = u32::try_from(self.entries.len()).map_err(io::Error::other)?;
        sink.write_all(&TABLE_MAGIC.to_le_bytes())?;
        sink.write_all(&size.to_le_bytes())?;
        for some in self.entries.chunks(8192) {
            let bytes: Vec<u8> = some.iter().flatten().flat_map(|number| number.to_le_bytes()).collect();
            sink.write_all(&bytes)?;
        }
        sink.write_all(&count.to_le_bytes())?;
        // No checksums: the encryption proves every byte.
        sink.write_all(&[0])?;
        sink.write_all(&SEEKABLE_MAGIC.to_le_bytes())
    }
}

/// Reads the content of a frame with the table's magic, of this many bytes: the sum of all content, where it is a table as
/// bahub writes it. A frame that cannot be one is not read.
pub(in crate::stream) fn content_listed(reader: &mut impl Read, length: usize) -> io::Result<Option<u64>> {
    let Some(entries) = length.checked_sub(FOOTER).filter(|bytes| bytes % ENTRY == 0) else { return Ok(None) };
    let (mut entry, mut footer, mut content) = ([0; ENTRY], [0; FOOTER], 0);
    for _ in 0..entries / ENTRY {
        reader.read_exact(&mut entry)?;
        let [_, _, _, _, size @ ..] = entry;
        content += u64::from(u32::from_le_bytes(size));
    }
    reader.read_exact(&mut footer)?;
    let [_, _, _, _, flags, magic @ ..] = footer;
    Ok((flags == 0 && magic == SEEKABLE_MAGIC.to_le_bytes()).then_some(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_laid_out_as_the_format_says() {
        let mut table = SeekTable::default();
        table.push(0x0102, 0);
        table.push(3, 0x0040_0000);
        let mut bytes = Vec::new();
        table.write_to(&mut bytes).unwrap();
        let expected = [
            &[0x5E, 0x2A, 0x4D, 0x18, 25, 0, 0, 0][..],
            &[2, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0x40, 0],
            &[2, 0, 0, 0, 0, 0xB1, 0xEA, 0x92, 0x8F],
        ];
        assert_eq!(bytes, expected.concat());
        assert_eq!(content_listed(&mut &bytes[8..], 25).unwrap(), Some(0x0040_0000));
    }

    #[test]
    fn what_is_no_table_lists_nothing() {
        assert_eq!(content_listed(&mut &[][..], 8).unwrap(), None);
        assert_eq!(content_listed(&mut &[][..], 10).unwrap(), None);
        assert_eq!(content_listed(&mut &[0; 17][..], 17).unwrap(), None);
        content_listed(&mut &[0; 16][..], 17).unwrap_err();
    }

    #[test]
    fn a_table_that_cannot_hold_a_frame_is_left_out() {
        let mut table = SeekTable::default();
        table.push(1, 1 << 40);
        let mut bytes = Vec::new();
        table.write_to(&mut bytes).unwrap();
        assert!(bytes.is_empty());
    }
}
