//! Reading ahead: what is slow to read is read in a thread of its own, while what came before is dealt with.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::buffer::{Filled, fill};

/// The bytes of a buffer.
const BUFFER: usize = 256 * 1024;
/// How many full buffers may wait.
const DEPTH: usize = 4;

/// Reads what a thread has read already. The thread ends with its source, or once this is dropped.
pub(crate) struct Ahead {
    filled: Receiver<io::Result<Filled>>,
    emptied: Sender<Vec<u8>>,
    current: Filled,
    start: usize,
    ended: bool,
    failed: bool,
}

impl Ahead {
    /// Starts reading.
    pub(crate) fn new(source: impl Read + Send + 'static) -> Self {
        let (sender, filled) = sync_channel(DEPTH);
        let (emptied, empties) = channel();
        thread::spawn(move || read_ahead(source, &sender, &empties));
        Self { filled, emptied, current: Filled::default(), start: 0, ended: false, failed: false }
    }

    /// Takes the next buffer; none is empty but at the end.
    fn advance(&mut self) -> io::Result<()> {
        let next = self.filled.recv().unwrap_or_else(|_| Err(io::Error::other("the reading thread failed")));
        let next = next.inspect_err(|_| self.failed = true)?;
        self.ended = next.length == 0;
        let emptied = std::mem::replace(&mut self.current, next);
        self.start = 0;
        // A thread that has ended needs no buffer, and the first is none.
        if !emptied.buffer.is_empty() {
            let _ = self.emptied.send(emptied.buffer);
        }
        Ok(())
    }
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Err(io::Error::other("an earlier part could not be read"));
        }
        if self.start == self.current.length && !self.ended {
            self.advance()?;
        }
        let count = (&self.current.buffer[self.start..self.current.length]).read(buffer)?;
        self.start += count;
        Ok(count)
    }
}

fn read_ahead(mut source: impl Read, filled: &SyncSender<io::Result<Filled>>, empties: &Receiver<Vec<u8>>) {
    loop {
        let buffer = empties.try_recv().unwrap_or_else(|_| vec![0; BUFFER]);
        // What was read before an error is not returned: the whole is worth nothing then.
        let read = fill(buffer, |room| source.read(room));
        let ended = !matches!(&read, Ok(filled) if filled.length > 0);
        if filled.send(read).is_err() || ended {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_read_in_order_and_the_end_stays_the_end() {
        let data: Vec<u8> = (0..3_000_000_u32).map(|index| (index % 251) as u8).collect();
        let mut ahead = Ahead::new(io::Cursor::new(data.clone()));
        let mut back = Vec::new();
        ahead.read_to_end(&mut back).unwrap();
        assert!(back == data);
        assert_eq!(ahead.read(&mut [0; 10]).unwrap(), 0);
    }

    #[test]
    fn an_error_arrives_and_is_no_end() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let mut ahead = Ahead::new((&[7; 10][..]).chain(Broken));
        assert_eq!(ahead.read_to_end(&mut Vec::new()).unwrap_err().to_string(), "broken");
        assert!(ahead.read(&mut [0; 10]).is_err(), "it never looks like the end");
    }

    #[test]
    fn a_reader_that_goes_away_ends_the_thread() {
        struct NotesDrop(Sender<()>);
        impl Read for NotesDrop {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                Ok(buffer.len())
            }
        }
        impl Drop for NotesDrop {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let (sender, dropped) = channel();
        drop(Ahead::new(NotesDrop(sender)));
        dropped.recv().unwrap();
    }
}
