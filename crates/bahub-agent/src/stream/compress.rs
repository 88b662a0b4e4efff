//! Making a stream smaller, with facts between its parts.

use std::io::{self, Write};

use bahub_core::compression::{Algorithm, Compression};
use bahub_core::facts::Fact;
use gzp::ZWriter;
use gzp::deflate::Gzip;
use gzp::par::compress::{ParCompress, ParCompressBuilder};

use super::Form;
use super::decompress::looks_compressed;
use super::frames::FrameWriter;

/// How many threads compress: what is configured, else at most four and at most what the cgroup and the affinity of
/// this process allow.
fn threads(compression: &Compression) -> u32 {
    compression.threads.unwrap_or_else(|| {
        let allowed = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        u32::try_from(allowed).unwrap_or(1).min(Compression::MAX_THREADS)
    })
}

/// Compresses what is written to it. [`Compressor::finish`] returns the sink; dropping it leaves the stream unfinished, and lets
/// threads end after the frame that they have in hand.
pub(crate) struct Compressor<W: Write + Send + 'static> {
    compression: Compression,
    state: State<W>,
    framed: bool,
}

enum State<W: Write + Send + 'static> {
    /// Before the first byte, and between members of gzip.
    Idle(W),
    /// From the first byte or fact to the end.
    Zstd(FrameWriter<W>),
    Gzip(ParCompress<'static, Gzip, W>),
    /// Without compression, before four bytes are known.
    Undecided(W, Vec<u8>),
    Raw(W),
    /// A failure took the sink.
    Gone,
}

impl<W: Write + Send + 'static> Compressor<W> {
    pub(crate) fn new(compression: Compression, sink: W) -> Self {
        Self { compression, state: State::Idle(sink), framed: false }
    }

    /// One that leaves everything as it is where the form says so.
    pub(crate) fn of(form: Form, compression: Compression, sink: W) -> Self {
        match form {
            Form::Layered => Self::new(compression, sink),
            Form::AsIs => {
                Self { compression: Compression::new(Algorithm::None), state: State::Raw(sink), framed: true }
            }
        }
    }

    /// Puts a fact between what was written and what comes. What is not compressed carries none: it is dropped.
    pub(crate) fn fact(&mut self, fact: &Fact) -> io::Result<()> {
        match self.compression.algorithm {
            Algorithm::None => Ok(()),
            Algorithm::Gzip => {
                let mut sink = self.end()?;
                super::gzip_fact::write(&fact.to_content(), &mut sink)?;
                self.state = State::Idle(sink);
                Ok(())
            }
            Algorithm::Zstd => {
                if let State::Idle(_) = self.state {
                    self.begin()?;
                }
                match &mut self.state {
                    State::Zstd(frames) => frames.skippable(fact.to_frame()),
                    _ => Err(io::ErrorKind::BrokenPipe.into()),
                }
            }
        }
    }

    /// Ends the stream and returns the sink.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.framed {
            // A stream of nothing is still a stream of its format.
            self.begin()?;
        }
        self.end()
    }

    /// Gives up: nothing more reaches the sink but what the format's threads have in hand.
    pub(crate) fn abandon(mut self) {
        if let State::Gzip(mut gzip) = std::mem::replace(&mut self.state, State::Gone) {
            // Its drop would end the stream, and panic where the sink fails.
            let _ = gzip.finish();
        }
    }

    fn end(&mut self) -> io::Result<W> {
        match std::mem::replace(&mut self.state, State::Gone) {
            State::Idle(sink) | State::Raw(sink) => Ok(sink),
            State::Zstd(frames) => frames.finish(),
            State::Gzip(mut gzip) => gzip.finish().map_err(gzip_error),
            State::Undecided(sink, head) => {
                self.state = State::Undecided(sink, head);
                self.decide()?;
                self.end()
            }
            State::Gone => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Opens the stream, or the next member of gzip.
    fn begin(&mut self) -> io::Result<()> {
        let State::Idle(sink) = std::mem::replace(&mut self.state, State::Gone) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        self.framed = true;
        let threads = threads(&self.compression);
        self.state = match self.compression.algorithm {
            Algorithm::Zstd => State::Zstd(FrameWriter::new(sink, self.compression.level, threads)),
            Algorithm::Gzip => State::Gzip(
                ParCompressBuilder::new()
                    .compression_level(gzp::Compression::new(self.compression.level.unsigned_abs()))
                    .num_threads(threads.max(1) as usize)
                    .map_err(gzip_error)?
                    .from_writer(sink),
            ),
            Algorithm::None => State::Undecided(sink, Vec::new()),
        };
        Ok(())
    }

    /// A reader recognises the format by its magic, so data that begins like a compressed stream is wrapped in one.
    fn decide(&mut self) -> io::Result<()> {
        let State::Undecided(mut sink, head) = std::mem::replace(&mut self.state, State::Gone) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        self.state = if looks_compressed(&head) {
            let mut frames = FrameWriter::new(sink, 1, threads(&self.compression));
            frames.write_all(&head)?;
            State::Zstd(frames)
        } else {
            sink.write_all(&head)?;
            State::Raw(sink)
        };
        Ok(())
    }
}

impl<W: Write + Send + 'static> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Idle(_) => {
                self.begin()?;
                self.write(bytes)
            }
            State::Zstd(frames) => frames.write(bytes),
            State::Gzip(gzip) => gzip.write(bytes),
            State::Undecided(_, head) => {
                let taken = bytes.len().min(4 - head.len());
                head.extend_from_slice(&bytes[..taken]);
                if head.len() == 4 {
                    self.decide()?;
                }
                Ok(taken)
            }
            State::Raw(sink) => sink.write(bytes),
            State::Gone => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn gzip_error(error: gzp::GzpError) -> io::Error {
    match error {
        gzp::GzpError::Io(error) => error,
        other => io::Error::other(other),
    }
}
