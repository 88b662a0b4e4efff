//! The byte streams of a job: blocking on the side of programs and ciphers, asynchronous on the side of links and stores.

mod ahead;
mod behind;
mod buffer;
mod channel;
mod compress;
mod decompress;
mod form;
mod frames;
mod gzip_fact;
mod hash;
mod peek;
#[cfg(test)]
mod shared;
mod tail;

pub(crate) use ahead::Ahead;
pub(crate) use behind::Behind;
pub(crate) use channel::{ChunkReader, ChunkWriter, SourceEvent};
pub(crate) use compress::Compressor;
pub(crate) use decompress::{Content, Decompressor};
pub(crate) use form::Form;
pub(crate) use hash::{Digest, digest};
pub(crate) use tail::Tail;
