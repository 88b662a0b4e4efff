//! Undoing frames on several threads.

use std::collections::VecDeque;
use std::io::{self, Read};

use zstd::bulk;

use super::super::peek::Peek;
use super::header::{Header, MAX_HEADER};
use super::workers::{Ticket, Turn, Workers};
use super::{CONTENT, ROOM};

/// From this many threads on, none of them needs a frame beyond those in hand: they are quicker than what decrypts for them,
/// and each one more costs [`ROOM`] of memory.
const MANY: usize = 4;

/// Decompresses frames that say that their content is small, ahead of the reader. All others are left to a reader of
/// content of any size: memory is bounded, whatever a header says.
pub(in crate::stream) struct FrameReader {
    workers: Workers,
    most: usize,
    waiting: VecDeque<Ticket>,
    content: Vec<u8>,
    at: usize,
    /// What was taken of a frame that turned out longer than its content.
    long: Option<Vec<u8>>,
}

impl FrameReader {
    /// On this many threads beside the one that reads.
    pub(in crate::stream) fn new(threads: usize) -> Self {
        let workers = Workers::new(threads, decompressing, 0);
        let most = threads + usize::from(threads < MANY);
        Self { workers, most, waiting: VecDeque::new(), content: Vec::new(), at: 0, long: None }
    }

    /// Whether what comes next is a frame for this.
    pub(in crate::stream) fn suits(head: &[u8]) -> bool {
        Header::parse(head).is_some_and(|header| header.holds_at_most(CONTENT))
    }

    /// Reads content; 0 where something else than a frame for this comes next, which may be [`Self::long`].
    pub(in crate::stream) fn read(&mut self, reader: &mut Peek<impl Read>, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.content.len() {
            if !self.advance(reader)? {
                return Ok(0);
            }
        }
        let count = (&self.content[self.at..]).read(buffer)?;
        self.at += count;
        Ok(count)
    }

    /// The beginning of a frame whose rest is still to be read, once [`Self::read`] gives nothing more.
    pub(in crate::stream) fn long(&mut self) -> Option<Vec<u8>> {
        self.long.take()
    }

    #[cfg(test)]
    pub(super) fn threads(&mut self) -> Vec<std::thread::JoinHandle<()>> {
        self.workers.threads()
    }

    /// Goes on to the content of the next frame; false where there is none.
    fn advance(&mut self, reader: &mut Peek<impl Read>) -> io::Result<bool> {
        if self.content.capacity() > 0 {
            self.workers.give_back(std::mem::take(&mut self.content));
        }
        self.at = 0;
        self.look_ahead(reader)?;
        let Some(ticket) = self.waiting.pop_front() else { return Ok(false) };
        self.content = ticket.wait()?;
        // The frame that this one made room for is begun before this one is given out.
        self.look_ahead(reader)?;
        Ok(true)
    }

    fn look_ahead(&mut self, reader: &mut Peek<impl Read>) -> io::Result<()> {
        while self.long.is_none() && self.waiting.len() < self.most {
            let header = Header::parse(reader.look(MAX_HEADER)?);
            let Some(header) = header.filter(|header| header.holds_at_most(CONTENT)) else { break };
            let mut frame = self.workers.room();
            if header.take_frame(reader, &mut frame, ROOM)? {
                self.waiting.push_back(self.workers.submit(frame)?);
            } else {
                self.long = Some(frame);
            }
        }
        Ok(())
    }
}

/// One thread's work. The room is all that a frame may fill: zstd refuses one that holds more, or less, than it says.
fn decompressing(_: i32) -> io::Result<Turn> {
    let mut decompressor = bulk::Decompressor::new()?;
    Ok(Box::new(move |input, output| decompressor.decompress_to_buffer(input, output).map(drop)))
}
