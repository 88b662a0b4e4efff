//! Writing behind: what is slow to write is written in a thread of its own, while what comes next is made.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

/// The bytes of a buffer.
const BUFFER: usize = 1024 * 1024;
/// How many full buffers may wait.
const DEPTH: usize = 2;

/// Hands buffers to a thread that writes them in order. [`Behind::finish`] tells how that went and gives the sink back; a
/// failed write ends the thread and with it the sink.
pub(crate) struct Behind<W> {
    filled: SyncSender<Vec<u8>>,
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

    /// A buffer to fill.
    pub(crate) fn buffer(&self) -> Vec<u8> {
        let mut buffer = self.empties.try_recv().unwrap_or_default();
        buffer.resize(BUFFER, 0);
        buffer
    }

    /// Has the first `count` bytes of a buffer written; waits for room. False where the thread has ended.
    pub(crate) fn push(&self, mut buffer: Vec<u8>, count: usize) -> bool {
        buffer.truncate(count);
        self.filled.send(buffer).is_ok()
    }

    /// Waits until everything is written.
    pub(crate) fn finish(self) -> io::Result<W> {
        drop(self.filled);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the writing thread broke off")))
    }
}

fn write_behind<W: Write>(mut sink: W, filled: &Receiver<Vec<u8>>, emptied: &Sender<Vec<u8>>) -> io::Result<W> {
    for buffer in filled {
        sink.write_all(&buffer)?;
        // Who fills buffers has perhaps filled the last one.
        let _ = emptied.send(buffer);
    }
    Ok(sink)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_written_in_order_and_the_sink_comes_back() {
        let behind = Behind::new(Vec::new());
        for number in 0..100_u8 {
            let mut buffer = behind.buffer();
            buffer[..3].fill(number);
            assert!(behind.push(buffer, 3));
        }
        let expected: Vec<u8> = (0..100).flat_map(|number| [number; 3]).collect();
        assert_eq!(behind.finish().unwrap(), expected);
    }

    #[test]
    fn a_sink_that_fails_is_told_of() {
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
        while behind.push(behind.buffer(), 1) {}
        assert_eq!(behind.finish().err().unwrap().kind(), io::ErrorKind::BrokenPipe);
    }
}
