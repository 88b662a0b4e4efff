//! Bridges between blocking threads and asynchronous tasks: bounded, by whole chunks.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bahub_core::sink::ALIGNMENT;
use bytes::{Buf, Bytes, BytesMut};
use tokio::sync::mpsc;

use super::hash::Feed;

/// Bytes are handed over in chunks of this size.
const CHUNK: usize = 256 * 1024;
/// How many chunks are kept to be filled again: 8 MiB.
const MAX_LENT: usize = 32;

/// Writes into a channel; [`ChunkWriter::finish`] sends what is left. Dropping it sends nothing more.
pub(crate) struct ChunkWriter {
    sender: mpsc::Sender<Bytes>,
    buffer: BytesMut,
    /// What was sent, oldest first: a chunk that is no longer in use is filled again, because fresh memory costs a page
    /// fault for each 4 KiB.
    lent: VecDeque<Bytes>,
}

impl ChunkWriter {
    /// A writer whose chunks arrive at the receiver; at most `depth` of them wait.
    pub(crate) fn new(depth: usize) -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(depth);
        (Self { sender, buffer: fresh(), lent: VecDeque::new() }, receiver)
    }

    /// Sends the rest.
    ///
    /// # Errors
    /// [`io::ErrorKind::BrokenPipe`] if the receiver is gone.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.send()
    }

    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let buffer = self.empty();
        let chunk = std::mem::replace(&mut self.buffer, buffer).freeze();
        self.lent.push_back(chunk.clone());
        self.sender.blocking_send(chunk).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl ChunkWriter {
    fn empty(&mut self) -> BytesMut {
        let is_free = self.lent.front().is_some_and(Bytes::is_unique);
        let oldest = if is_free || self.lent.len() >= MAX_LENT { self.lent.pop_front() } else { None };
        match oldest.map(Bytes::try_into_mut) {
            Some(Ok(mut buffer)) => {
                buffer.clear();
                // One that lost its beginning on the way is dropped.
                if buffer.capacity() >= CHUNK { buffer } else { fresh() }
            }
            Some(Err(_)) | None => fresh(),
        }
    }
}

/// Room for a chunk at an aligned address.
fn fresh() -> BytesMut {
    let mut buffer = BytesMut::with_capacity(CHUNK + ALIGNMENT);
    let before = buffer.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
    buffer.resize(before, 0);
    buffer.advance(before);
    buffer
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = CHUNK - self.buffer.len();
        let taken = bytes.len().min(room);
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == CHUNK {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a source of ciphertext sends.
#[derive(Debug)]
pub(crate) enum SourceEvent {
    /// The next bytes.
    Chunk(Bytes),
    /// That was all; only this ends a stream well.
    End,
}

/// Reads from a channel, and passes what it reads on to a hash. A sender that goes away without [`SourceEvent::End`] is an
/// error, not an end.
pub(crate) struct ChunkReader {
    receiver: mpsc::Receiver<SourceEvent>,
    chunk: Bytes,
    /// Taken away at the end.
    feed: Option<Feed>,
    count: Arc<AtomicU64>,
}

impl ChunkReader {
    /// Counts bytes into `count`.
    pub(crate) fn new(receiver: mpsc::Receiver<SourceEvent>, feed: Feed, count: Arc<AtomicU64>) -> Self {
        Self { receiver, chunk: Bytes::new(), feed: Some(feed), count }
    }
}

impl BufRead for ChunkReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty()
            && let Some(feed) = &self.feed
        {
            match self.receiver.blocking_recv() {
                Some(SourceEvent::Chunk(chunk)) => {
                    feed.push(chunk.clone());
                    self.count.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                    self.chunk = chunk;
                }
                Some(SourceEvent::End) => self.feed = None,
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the message was interrupted")),
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.advance(amount);
    }
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let taken = self.fill_buf()?.read(buffer)?;
        self.consume(taken);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::digest;
    use super::*;

    #[test]
    fn a_source_that_goes_away_is_not_an_end() {
        let (sender, receiver) = mpsc::channel(4);
        sender.blocking_send(SourceEvent::Chunk(Bytes::from_static(b"abc"))).unwrap();
        drop(sender);
        let mut got = Vec::new();
        let (feed, digest) = digest();
        let count = Arc::new(AtomicU64::new(0));
        let error = ChunkReader::new(receiver, feed, Arc::clone(&count)).read_to_end(&mut got).unwrap_err();
        assert_eq!(count.load(Ordering::Relaxed), 3);
        assert!(digest.hex().is_some(), "the thread ends with its reader");
        assert_eq!((got.as_slice(), error.kind()), (&b"abc"[..], io::ErrorKind::UnexpectedEof));
    }

    #[test]
    fn a_chunk_is_filled_again_only_when_it_is_no_longer_in_use() {
        let (mut writer, mut receiver) = ChunkWriter::new(1000);
        let mut held = Vec::new();
        for number in 0..300_u32 {
            writer.write_all(&vec![number as u8; CHUNK]).unwrap();
            let chunk = receiver.blocking_recv().unwrap();
            assert!(chunk.as_ptr().addr().is_multiple_of(ALIGNMENT));
            if number % 3 == 0 {
                held.push((number as u8, chunk.slice(1..)));
            }
        }
        assert!(held.iter().all(|(number, chunk)| chunk.iter().all(|byte| byte == number)));
    }

    #[test]
    fn a_writer_that_is_dropped_sends_no_rest() {
        let (mut writer, mut receiver) = ChunkWriter::new(4);
        writer.write_all(b"abc").unwrap();
        drop(writer);
        assert_eq!(receiver.blocking_recv(), None);
    }
}
