//! Making frames of what is written.

use std::collections::VecDeque;
use std::io::{self, Write};

use zstd::bulk;

use super::table::SeekTable;
use super::workers::{Ticket, Turn, Workers};
use super::{CONTENT, ROOM};

/// How many frames wait for their turn at the sink beyond those that the threads have in hand: what a thread that has
/// finished goes on with. Each one more costs [`ROOM`] of memory.
const WAITING: usize = 1;

/// Compresses what is written to it in frames of [`CONTENT`], on several threads, and passes them on in order.
pub(in crate::stream) struct FrameWriter<W> {
    sink: W,
    workers: Workers,
    /// The most frames that wait.
    most: usize,
    waiting: VecDeque<Waiting>,
    frame: Vec<u8>,
    table: SeekTable,
    has_content: bool,
}

enum Waiting {
    /// As it is to be written, and skipped by readers.
    Skippable(Vec<u8>),
    /// Being compressed: this many bytes of content.
    Frame(usize, Ticket),
}

impl<W: Write> FrameWriter<W> {
    /// At a level of zstd's, on this many threads beside the one that writes.
    pub(in crate::stream) fn new(sink: W, level: i32, threads: u32) -> Self {
        let threads = threads.max(1) as usize;
        Self {
            sink,
            workers: Workers::new(threads, compressing, level),
            most: threads + WAITING,
            waiting: VecDeque::new(),
            frame: Vec::new(),
            table: SeekTable::default(),
            has_content: false,
        }
    }

    /// Ends the frame that was begun, and puts a skippable one behind it.
    pub(in crate::stream) fn skippable(&mut self, frame: Vec<u8>) -> io::Result<()> {
        self.end_frame()?;
        self.waiting.push_back(Waiting::Skippable(frame));
        self.pass_on_ready()
    }

    /// Ends the stream with its seek table, and returns the sink.
    pub(in crate::stream) fn finish(mut self) -> io::Result<W> {
        if !self.has_content && self.frame.is_empty() {
            // A stream of nothing is still a stream of its format.
            self.submit()?;
        }
        self.end_frame()?;
        while let Some(oldest) = self.waiting.pop_front() {
            self.pass_on(oldest)?;
        }
        self.table.write_to(&mut self.sink)?;
        Ok(self.sink)
    }

    fn end_frame(&mut self) -> io::Result<()> {
        if self.frame.is_empty() { Ok(()) } else { self.submit() }
    }

    fn submit(&mut self) -> io::Result<()> {
        let frame = std::mem::take(&mut self.frame);
        self.has_content = true;
        let length = frame.len();
        let ticket = self.workers.submit(frame)?;
        self.waiting.push_back(Waiting::Frame(length, ticket));
        self.pass_on_ready()
    }

    #[cfg(test)]
    pub(super) fn threads(&mut self) -> Vec<std::thread::JoinHandle<()>> {
        self.workers.threads()
    }

    /// Waits until there may be one frame more.
    fn wait_for_room(&mut self) -> io::Result<()> {
        while self.waiting.len() >= self.most
            && let Some(oldest) = self.waiting.pop_front()
        {
            self.pass_on(oldest)?;
        }
        Ok(())
    }

    /// Passes on what is done, up to the first that is not.
    fn pass_on_ready(&mut self) -> io::Result<()> {
        while let Some(oldest) = self.waiting.pop_front() {
            match oldest {
                Waiting::Skippable(_) => self.pass_on(oldest)?,
                Waiting::Frame(length, ticket) => match ticket.ready() {
                    Ok(frame) => self.pass_frame_on(length, frame?)?,
                    Err(ticket) => {
                        self.waiting.push_front(Waiting::Frame(length, ticket));
                        break;
                    }
                },
            }
        }
        Ok(())
    }

    fn pass_on(&mut self, oldest: Waiting) -> io::Result<()> {
        match oldest {
            Waiting::Skippable(frame) => {
                self.table.push(frame.len(), 0);
                self.sink.write_all(&frame)
            }
            Waiting::Frame(length, ticket) => self.pass_frame_on(length, ticket.wait()?),
        }
    }

    fn pass_frame_on(&mut self, length: usize, frame: Vec<u8>) -> io::Result<()> {
        self.table.push(frame.len(), length);
        self.sink.write_all(&frame)?;
        self.workers.give_back(frame);
        Ok(())
    }
}

impl<W: Write> Write for FrameWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.frame.capacity() == 0 {
            self.wait_for_room()?;
            self.frame = self.workers.room();
        }
        let taken = bytes.len().min(CONTENT - self.frame.len());
        self.frame.extend_from_slice(&bytes[..taken]);
        if self.frame.len() == CONTENT {
            self.submit()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One thread's work. Input and output lie in memory as a whole, so zstd keeps no window of its own; the frame's header
/// says how large its content is.
fn compressing(level: i32) -> io::Result<Turn> {
    const { assert!(ROOM >= CONTENT + CONTENT / 256, "zstd's worst case") };
    let mut compressor = bulk::Compressor::new(level)?;
    Ok(Box::new(move |input, output| compressor.compress_to_buffer(input, output).map(drop)))
}
