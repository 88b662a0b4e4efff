//! Giving a stream its size back: the format is recognised by its first bytes, so streams of the original product are
//! read as well.

use std::collections::VecDeque;
use std::io::{self, BufRead, Chain, Cursor, Read};

use bahub_core::compression::{Algorithm, Compression};
use bahub_core::facts::{self, Fact};
use bahub_core::replay::MAX_PREFIX;
use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder;

use super::Form;
use super::frames::{FrameReader, MAX_HEADER, TABLE_MAGIC, content_listed};
use super::gzip_fact::Parts;
use super::peek::Peek;
use super::tail::Tail;

pub(super) const ZSTD: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// True for what a reader would take for a compressed stream.
pub(super) fn looks_compressed(head: &[u8]) -> bool {
    algorithm(head) != Algorithm::None
}

fn algorithm(head: &[u8]) -> Algorithm {
    if head.starts_with(&ZSTD) || is_skippable(head) {
        Algorithm::Zstd
    } else if head.starts_with(&GZIP) {
        Algorithm::Gzip
    } else {
        Algorithm::None
    }
}

/// RFC 8878 section 3.1.2: 0x184D2A5? in little-endian.
fn is_skippable(head: &[u8]) -> bool {
    matches!(head, [low, 0x2A, 0x4D, 0x18, ..] if low & 0xF0 == 0x50)
}

/// The most bytes of facts that are kept; another program's stream may hold any number.
const MAX_FACTS: usize = 4 * facts::MAX_FACT;

/// What is read at once where the content is of no interest.
const DRAIN: usize = 256 * 1024;

/// What was found on the way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    /// The format; `None` before the first byte.
    pub(crate) algorithm: Option<Algorithm>,
    /// Facts, in the order of the stream.
    pub(crate) facts: Vec<Fact>,
    /// The first bytes, where they were looked at.
    pub(crate) begins: Vec<u8>,
}

/// Reads the content of a stream.
pub(crate) struct Decompressor<R: Read> {
    state: State<R>,
    content: Content,
    /// The bytes of the facts in `content`.
    kept: usize,
    tail: Tail,
    /// The named segments that begin before what is read next; all but the last are empty.
    ahead: VecDeque<String>,
    /// Parts of a fact in gzip members.
    parts: Parts,
    /// How many threads decompress.
    threads: usize,
    /// From the second zstd frame on: many readers want no more than the first.
    frames: Option<FrameReader>,
    /// How much content was returned.
    given: u64,
    /// How much a seek table says that there is, while it is the last frame.
    listed: Option<u64>,
}

enum State<R: Read> {
    Start(Peek<R>),
    /// Before a zstd frame.
    Between(Peek<R>),
    /// In a zstd frame whose content may be of any size: what was taken of it, and its rest.
    Frame(Decoder<'static, Begun<R>>),
    /// Before or in zstd frames that threads decompress.
    Frames(Peek<R>),
    /// Before a gzip member.
    BetweenMembers(Peek<R>),
    Gzip(GzDecoder<Peek<R>>),
    Raw(Peek<R>),
    Failed,
}

/// What was taken already, and the rest.
type Begun<R> = Chain<Cursor<Vec<u8>>, Peek<R>>;

impl<R: Read> Decompressor<R> {
    pub(crate) fn new(source: R) -> Self {
        Self::in_state(State::Start(Peek::new(source)))
    }

    fn in_state(state: State<R>) -> Self {
        Self {
            state,
            content: Content::default(),
            kept: 0,
            tail: Tail::default(),
            ahead: VecDeque::new(),
            parts: Parts::default(),
            threads: threads(),
            frames: None,
            given: 0,
            listed: None,
        }
    }

    /// One that returns everything as it is where the form says so.
    pub(crate) fn of(form: Form, source: R) -> Self {
        match form {
            Form::Layered => Self::new(source),
            Form::AsIs => Self::in_state(State::Raw(Peek::new(source))),
        }
    }

    #[cfg(test)]
    pub(super) fn on_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// What was found so far.
    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// Whether the last bytes that were read hold these words.
    pub(crate) fn ends_with(&self, words: &[u8]) -> bool {
        self.tail.holds(words)
    }

    /// The last bytes that were read.
    pub(crate) fn ends(&self) -> &[u8] {
        self.tail.bytes()
    }

    /// Reads what stands at the head, and the first bytes of the content.
    pub(crate) fn peek(&mut self) -> io::Result<()> {
        let mut begins = Vec::new();
        self.take(MAX_PREFIX as u64).read_to_end(&mut begins)?;
        self.content.begins = begins;
        Ok(())
    }

    /// Reads up to the next named segment: nothing at its boundary, and at the end.
    pub(crate) fn read_segment(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.ahead.is_empty() {
                return Ok(0);
            }
            match self.read_frame(buffer)? {
                Some(count) => return Ok(count),
                None if self.advance()? => return Ok(0),
                None => {}
            }
        }
    }

    /// Takes a fact in, unless there are too many.
    fn found(&mut self, content: Option<Vec<u8>>) {
        let Some(content) = content.filter(|content| self.kept + content.len() <= MAX_FACTS) else { return };
        self.kept += content.len();
        let fact = Fact::from_content(&content);
        if let Some(Fact::Segment { name }) = &fact {
            self.ahead.push_back(name.clone());
        }
        self.content.facts.extend(fact);
    }

    /// Crosses a boundary, and names the segment that begins there; `None` at the end.
    pub(crate) fn next_segment(&mut self) -> Option<String> {
        self.ahead.pop_front()
    }

    /// Reads to the end of the message, and to the end of what is compressed in it unless bahub made that: then the
    /// message was ended only after everything in it was. True where the content was read.
    pub(crate) fn prove(&mut self) -> io::Result<bool> {
        self.peek()?;
        if let Some(Fact::Head { .. }) = self.content.facts.first() {
            match std::mem::replace(&mut self.state, State::Failed) {
                State::Frame(decoder) => return drain(decoder.finish()).map(|()| false),
                State::Gzip(decoder) => return drain(decoder.into_inner()).map(|()| false),
                State::Frames(reader) => return drain(reader).map(|()| false),
                other => self.state = other,
            }
        }
        drain(io::BufReader::with_capacity(DRAIN, self)).map(|()| true)
    }

    /// Reads from what is open; `None` where something else comes next.
    fn read_frame(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let count = match &mut self.state {
            State::Frame(decoder) => match decoder.read(buffer)? {
                0 => return Ok(None),
                count => count,
            },
            State::Gzip(gzip) => match gzip.read(buffer)? {
                0 => return Ok(None),
                count => count,
            },
            State::Frames(reader) => match self.frames.as_mut().map_or(Ok(0), |frames| frames.read(reader, buffer)) {
                Ok(0) => return Ok(None),
                Ok(count) => count,
                Err(error) => {
                    self.state = State::Failed;
                    return Err(error);
                }
            },
            State::Raw(reader) => reader.read(buffer)?,
            State::Failed => return Err(damaged("an earlier part of the stream could not be read")),
            State::Start(_) | State::Between(_) | State::BetweenMembers(_) => return Ok(None),
        };
        Ok(Some(self.gave(&buffer[..count])))
    }

    fn gave(&mut self, bytes: &[u8]) -> usize {
        self.tail.push(bytes);
        self.given += bytes.len() as u64;
        bytes.len()
    }

    fn start(&mut self, mut reader: Peek<R>) -> io::Result<State<R>> {
        let algorithm = algorithm(reader.head()?);
        self.content.algorithm = Some(algorithm);
        Ok(match algorithm {
            Algorithm::Zstd => State::Between(reader),
            Algorithm::Gzip => State::BetweenMembers(reader),
            Algorithm::None => State::Raw(reader),
        })
    }

    /// Goes on to what can be read next; true at the end of a stream of zstd frames.
    fn advance(&mut self) -> io::Result<bool> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Start(reader) => self.state = self.start(reader)?,
            State::Frame(decoder) => {
                let (begun, reader) = decoder.finish().into_inner();
                if begun.position() < begun.get_ref().len() as u64 {
                    return Err(damaged("a zstd frame ends before its last block"));
                }
                self.state = State::Between(reader);
            }
            State::Frames(reader) => {
                let long = self.frames.as_mut().and_then(FrameReader::long);
                self.state = match long {
                    Some(begun) => streamed(begun, reader)?,
                    None => State::Between(reader),
                };
            }
            State::Gzip(decoder) => {
                let fact = self.parts.take_in(decoder.header().and_then(|header| header.extra()));
                self.state = State::BetweenMembers(decoder.into_inner());
                self.found(fact);
            }
            State::BetweenMembers(mut reader) => {
                let head = reader.head()?;
                let ended = head.is_empty();
                if !ended && !head.starts_with(&GZIP) {
                    return Err(damaged("there is data that is not gzip after a gzip member"));
                }
                self.state = if ended { State::BetweenMembers(reader) } else { State::Gzip(GzDecoder::new(reader)) };
                return Ok(ended);
            }
            State::Between(reader) => {
                let (state, ended) = self.next_frame(reader)?;
                self.state = state;
                return Ok(ended);
            }
            other => self.state = other,
        }
        Ok(false)
    }

    /// Opens a zstd frame, for this thread or for others.
    fn open_frame(&mut self, mut reader: Peek<R>) -> io::Result<State<R>> {
        let is_first = self.frames.is_none();
        if is_first && self.threads > 1 {
            self.frames = Some(FrameReader::new(self.threads));
        }
        if self.threads > 1 && !is_first && FrameReader::suits(reader.look(MAX_HEADER)?) {
            return Ok(State::Frames(reader));
        }
        streamed(Vec::new(), reader)
    }

    /// At the boundary of zstd frames: skips skippable frames, and opens the next one. `None` at the end.
    fn next_frame(&mut self, mut reader: Peek<R>) -> io::Result<(State<R>, bool)> {
        loop {
            let head = reader.head()?;
            if head.is_empty() {
                self.check_end()?;
                return Ok((State::Between(reader), true));
            }
            self.listed = None;
            if head == ZSTD {
                return Ok((self.open_frame(reader)?, false));
            }
            if !is_skippable(head) {
                return Err(damaged("there is data that is not zstd after a zstd frame"));
            }
            let mut header = [0; 8];
            reader.read_exact(&mut header)?;
            let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
            if header[..4] == TABLE_MAGIC.to_le_bytes() {
                self.listed = read_table(&mut reader, length)?;
                continue;
            }
            let ours = header[..4] == facts::SKIPPABLE_MAGIC.to_le_bytes()
                && length <= facts::MAX_FACT
                && self.kept + length <= MAX_FACTS;
            let mut content = Vec::new();
            let kept = (&mut reader).take(if ours { length as u64 } else { 0 }).read_to_end(&mut content)?;
            skip(&mut reader, length - kept)?;
            self.found(Some(content));
        }
    }

    /// A stream that says that it ends with a seek table ends nowhere else, and holds what the table lists: frames that are
    /// whole do not show that others are missing.
    fn check_end(&self) -> io::Result<()> {
        match self.content.facts.first() {
            Some(Fact::Head { seekable: true, .. }) if self.listed != Some(self.given) => {
                Err(damaged("the stream is cut off: the seek table at its end is missing or wrong"))
            }
            _ => Ok(()),
        }
    }
}

/// Reads a frame that has the magic of a seek table: what it lists, if it is one.
fn read_table(reader: &mut impl Read, length: usize) -> io::Result<Option<u64>> {
    let mut table = reader.take(length as u64);
    let listed = content_listed(&mut table, length)?;
    let rest = table.limit() as usize;
    skip(reader, rest)?;
    Ok(listed)
}

/// Skips this many bytes of a skippable frame.
fn skip(reader: &mut impl Read, count: usize) -> io::Result<()> {
    match io::copy(&mut reader.take(count as u64), &mut io::sink())? {
        skipped if skipped == count as u64 => Ok(()),
        _ => Err(damaged("a skippable frame is cut off")),
    }
}

/// A frame that is decompressed as it is read, after what was taken of it.
fn streamed<R: Read>(begun: Vec<u8>, reader: Peek<R>) -> io::Result<State<R>> {
    Ok(State::Frame(Decoder::with_buffer(Cursor::new(begun).chain(reader))?.single_frame()))
}

/// As many as this process may use, and no more than compress by default.
fn threads() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    allowed.min(Compression::MAX_THREADS as usize)
}

impl<R: Read> Read for Decompressor<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.read_frame(buffer)? {
                Some(count) => return Ok(count),
                None if self.advance()? => return Ok(0),
                None => {}
            }
        }
    }
}

fn drain(mut reader: impl BufRead) -> io::Result<()> {
    loop {
        match reader.fill_buf()?.len() {
            0 => return Ok(()),
            count => reader.consume(count),
        }
    }
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests;
