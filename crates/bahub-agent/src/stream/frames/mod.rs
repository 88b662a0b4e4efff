//! A zstd stream as many independent frames: each is made and undone by one thread, in a memory of its own that is known
//! beforehand. zstd's own threads hold several windows each, however little the data needs.

mod header;
mod read;
mod table;
#[cfg(test)]
mod tests;
mod workers;
mod write;

pub(super) use header::MAX_HEADER;
pub(super) use read::FrameReader;
pub(super) use table::{TABLE_MAGIC, content_listed};
pub(super) use write::FrameWriter;

/// The most content of a frame: 4 MiB. Half as much costs a percent of the size, twice as much twice the memory.
const CONTENT: usize = 4 << 20;

/// The room of each buffer: for a frame's content, or for what zstd makes of it at the worst (`ZSTD_COMPRESSBOUND`: a 256th
/// more). The same buffers serve for both, and go round.
const ROOM: usize = CONTENT + CONTENT / 256;
