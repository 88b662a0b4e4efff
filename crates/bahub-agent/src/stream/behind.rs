//! Writing behind: what is slow to write is written in a thread of its own, while what comes next is made.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use super::buffer::{Filled, fill};

/// The bytes of a buffer.
const BUFFER: usize = 1024 * 1024;
/// How many full buffers may wait.
const DEPTH: usize = 2;

/// Hands buffers to a thread that writes them in order. [`Behind::finish`] returns the sink or the error; a failed
/// write ends the thread and with it the sink.
pub(crate) struct Behind<W> {
    filled: SyncSender<Filled>,
    empties: Receiver<Vec<u8>>,
    thread: JoinHandle<io::Result<W>>,
}

impl<W: Write + Send + 'static> Behind<W> {
    /// Starts the thread.
    pub(crate) fn new(sink: W) -> Self {
        let (filled, buffers) = sync_channel(DEPTH);
        let (emptied, empties) = channel();
        Self { filled, empties, thread: thread::spawn(move || write_behind(sink, &buffers, &emptied)) }
    }

    /// Has everything written that is read, until either side ends; waits for room.
    pub(crate) fn copy(&self, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<()> {
        loop {
            let buffer = self.empties.try_recv().unwrap_or_else(|_| vec![0; BUFFER]);
            let filled = fill(buffer, &mut read)?;
            if filled.length == 0 || self.filled.send(filled).is_err() {
                return Ok(());
            }
        }
    }

    /// Waits until everything is written.
    pub(crate) fn finish(self) -> io::Result<W> {
        drop(self.filled);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the writing thread failed")))
    }
}

fn write_behind<W: Write>(mut sink: W, filled: &Receiver<Filled>, emptied: &Sender<Vec<u8>>) -> io::Result<W> {
    for Filled { buffer, length } in filled {
        sink.write_all(&buffer[..length])?;
        // The side that fills buffers may have filled the last one.
        let _ = emptied.send(buffer);
    }
    Ok(sink)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_written_in_order_and_the_sink_comes_back() {
        let data: Vec<u8> = (0..5_000_000_u32).map(|index| (index % 251) as u8).collect();
        let behind = Behind::new(Vec::new());
        let mut source = io::Cursor::new(data.clone());
        behind.copy(|room| io::Read::read(&mut source, room)).unwrap();
        assert!(behind.finish().unwrap() == data);
    }

    #[test]
    fn a_sink_that_fails_ends_the_copy_and_is_reported() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let behind = Behind::new(Full);
        behind.copy(|room| Ok(room.len())).unwrap();
        assert_eq!(behind.finish().err().unwrap().kind(), io::ErrorKind::BrokenPipe);
    }
}
