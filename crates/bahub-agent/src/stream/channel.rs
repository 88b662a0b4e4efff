//! Bridges between blocking threads and asynchronous tasks: bounded, by whole chunks.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes, BytesMut};
use tokio::sync::mpsc;

/// Bytes are handed over in chunks of this size.
const CHUNK: usize = 128 * 1024;

/// Writes into a channel; [`ChunkWriter::finish`] sends what is left. Dropping it sends nothing more.
pub(crate) struct ChunkWriter {
    sender: mpsc::Sender<Bytes>,
    buffer: BytesMut,
}

impl ChunkWriter {
    /// A writer whose chunks arrive at the receiver; at most `depth` of them wait.
    pub(crate) fn new(depth: usize) -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(depth);
        (Self { sender, buffer: BytesMut::with_capacity(CHUNK) }, receiver)
    }

    /// Sends the rest.
    ///
    /// # Errors
    /// [`io::ErrorKind::BrokenPipe`] if nobody receives any more.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.send()
    }

    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.buffer, BytesMut::with_capacity(CHUNK)).freeze();
        self.sender.blocking_send(chunk).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
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

/// Reads from a channel. A sender that goes away without [`SourceEvent::End`] is an error, not an end.
pub(crate) struct ChunkReader {
    receiver: mpsc::Receiver<SourceEvent>,
    chunk: Bytes,
    ended: bool,
}

impl ChunkReader {
    pub(crate) fn new(receiver: mpsc::Receiver<SourceEvent>) -> Self {
        Self { receiver, chunk: Bytes::new(), ended: false }
    }
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() && !self.ended {
            match self.receiver.blocking_recv() {
                Some(SourceEvent::Chunk(chunk)) => self.chunk = chunk,
                Some(SourceEvent::End) => self.ended = true,
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the message broke off")),
            }
        }
        let taken = buffer.len().min(self.chunk.len());
        buffer[..taken].copy_from_slice(&self.chunk[..taken]);
        self.chunk.advance(taken);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_goes_away_is_not_an_end() {
        let (sender, receiver) = mpsc::channel(4);
        sender.blocking_send(SourceEvent::Chunk(Bytes::from_static(b"abc"))).unwrap();
        drop(sender);
        let mut got = Vec::new();
        let error = ChunkReader::new(receiver).read_to_end(&mut got).unwrap_err();
        assert_eq!((got.as_slice(), error.kind()), (&b"abc"[..], io::ErrorKind::UnexpectedEof));
    }

    #[test]
    fn a_writer_that_is_dropped_sends_no_rest() {
        let (mut writer, mut receiver) = ChunkWriter::new(4);
        writer.write_all(b"abc").unwrap();
        drop(writer);
        assert_eq!(receiver.blocking_recv(), None);
    }
}
