//! ASCII armour (RFC 9580 section 6), read strictly: what is neither header, base64, checksum nor footer is an error.

use std::io::{self, BufRead, Read};

use base64_simd::{AsOut, STANDARD};

use crate::cipher::WINDOW;
use crate::error::CryptoError;

const HEAD: &[u8] = b"-----BEGIN PGP MESSAGE-----";
const TAIL: &[u8] = b"-----END PGP MESSAGE-----";

/// The most bytes of a header line.
const MAX_LINE: u64 = 4096;

/// The most header lines.
const MAX_HEADERS: usize = 100;

/// Yields the data of one armoured message, and reads its source to the end.
pub(crate) struct Dearmorer<S> {
    source: S,
    /// Characters without line ends; fewer than four of them stay for the next round.
    characters: Vec<u8>,
    data: Vec<u8>,
    given: usize,
    ready: usize,
    at_line_start: bool,
    padded: bool,
    stage: Stage,
}

#[derive(PartialEq)]
enum Stage {
    Data,
    /// The checksum or the footer is next.
    Trailer,
    Ended,
}

impl<S: BufRead> Dearmorer<S> {
    /// Reads the header.
    pub(crate) fn new(mut source: S) -> io::Result<Self> {
        header(&mut source)?;
        Ok(Self {
            source,
            characters: Vec::with_capacity(WINDOW + 4),
            data: vec![0; WINDOW],
            given: 0,
            ready: 0,
            at_line_start: true,
            padded: false,
            stage: Stage::Data,
        })
    }

    fn refill(&mut self) -> io::Result<()> {
        self.given = 0;
        self.ready = 0;
        while self.ready == 0 && self.stage == Stage::Data {
            let text = self.source.fill_buf()?;
            if text.is_empty() {
                return Err(CryptoError::Armor("the footer is missing").into());
            }
            let (used, trailer) = collect(text, &mut self.characters, &mut self.at_line_start);
            self.source.consume(used);
            self.decode()?;
            if trailer {
                self.stage = Stage::Trailer;
            }
        }
        // Data goes first: a caller that reads only the head of a message has no use for its end.
        if self.ready == 0 && self.stage == Stage::Trailer {
            if !self.characters.is_empty() {
                return Err(CryptoError::Armor("the base64 data is cut off").into());
            }
            trailer_lines(&mut self.source)?;
            self.stage = Stage::Ended;
        }
        Ok(())
    }

    fn decode(&mut self) -> io::Result<()> {
        let whole = self.characters.len() / 4 * 4;
        if whole == 0 {
            return Ok(());
        }
        if self.padded {
            return Err(CryptoError::Armor("there is data after the base64 padding").into());
        }
        self.padded = self.characters[whole - 1] == b'=';
        self.ready = STANDARD
            .decode(&self.characters[..whole], self.data.as_mut_slice().as_out())
            .map_err(|_| CryptoError::Armor("the data is not base64"))?
            .len();
        self.characters.drain(..whole);
        Ok(())
    }
}

/// Appends the characters of the lines; true as soon as the checksum or the footer begins.
fn collect(text: &[u8], characters: &mut Vec<u8>, at_line_start: &mut bool) -> (usize, bool) {
    let mut used = 0;
    while used < text.len() {
        let rest = &text[used..];
        let is_checksum = rest[0] == b'=' && characters.len().is_multiple_of(4);
        if *at_line_start && (rest[0] == b'-' || is_checksum) {
            return (used, true);
        }
        let (line, next) = match memchr::memchr(b'\n', rest) {
            Some(end) => (&rest[..end], end + 1),
            None => (rest, rest.len()),
        };
        *at_line_start = next > line.len();
        characters.extend(line.trim_ascii_end());
        used += next;
    }
    (used, false)
}

fn header(source: &mut impl BufRead) -> io::Result<()> {
    let mut lines = 0;
    let first = loop {
        let line = line(source)?.unwrap_or_default();
        lines += 1;
        if !line.is_empty() || lines > MAX_HEADERS {
            break line;
        }
    };
    if first != HEAD {
        let text = "it begins neither with a packet nor with -----BEGIN PGP MESSAGE-----";
        return Err(CryptoError::NotOpenPgp(text.to_owned()).into());
    }
    for _ in 0..MAX_HEADERS {
        match line(source)? {
            None => return Err(CryptoError::Armor("it is cut off").into()),
            Some(line) if line.is_empty() => return Ok(()),
            Some(line) if line.contains(&b':') => {}
            Some(_) => {
                return Err(CryptoError::Armor("a line that is not a header, without a blank line before it").into());
            }
        }
    }
    Err(CryptoError::Armor("there are too many header lines").into())
}

fn trailer_lines(source: &mut impl BufRead) -> io::Result<()> {
    let mut current = line(source)?;
    if current.as_ref().is_some_and(|line| line.starts_with(b"=")) {
        // The checksum is not compared: it protects nothing that the message itself does not protect better.
        if current.is_some_and(|line| line.len() != 5 || STANDARD.check(&line[1..]).is_err()) {
            return Err(CryptoError::Armor("the checksum is malformed").into());
        }
        current = line(source)?;
    }
    if current.as_deref() != Some(TAIL) {
        return Err(CryptoError::Armor("the footer is missing").into());
    }
    while let Some(line) = line(source)? {
        if !line.is_empty() {
            return Err(CryptoError::Trailing.into());
        }
    }
    Ok(())
}

/// Reads a line without the white space at its end; `None` at the end of the source.
fn line(source: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if source.take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    line.truncate(line.trim_ascii_end().len());
    Ok(Some(line))
}

impl<S: BufRead> BufRead for Dearmorer<S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.given == self.ready {
            self.refill()?;
        }
        Ok(&self.data[self.given..self.ready])
    }

    fn consume(&mut self, amount: usize) {
        self.given += amount;
    }
}

impl<S: BufRead> Read for Dearmorer<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        crate::packet::body::read_buffered(self, into)
    }
}
