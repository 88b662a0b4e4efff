//! Follows the HTTP/1.1 framing of what a client sends, to know where the client's own chunks end.
//!
//! hyper hands out a body in pieces that depend on its buffer; whether a footer is in the last *chunk* is only visible on the wire.

const LONGEST_HEAD: usize = 256 * 1024;

/// A tracker of the requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    position: Position,
    line: Vec<u8>,
    last_chunk: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Position {
    #[default]
    Head,
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    /// The rest is not understood; hyper will refuse it.
    Lost,
}

impl Chunks {
    /// The length of the last chunk with data, of the current request; `None` if its body is not chunked.
    pub(super) fn last_chunk(&self) -> Option<u64> {
        self.last_chunk
    }

    pub(super) fn observe(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = match self.position {
                Position::Lost => return,
                Position::Length(left) => self.skip(left, bytes.len(), Position::Length, Position::Head),
                Position::ChunkData(left) => self.skip(left, bytes.len(), Position::ChunkData, Position::ChunkEnd),
                Position::Head | Position::ChunkSize | Position::ChunkEnd | Position::Trailers => self.take_line(bytes),
            };
            bytes = &bytes[used..];
        }
    }

    fn skip(&mut self, left: u64, available: usize, more: fn(u64) -> Position, done: Position) -> usize {
        let used = left.min(available as u64);
        self.position = if used == left { done } else { more(left - used) };
        usize::try_from(used).expect("not more than the slice's length")
    }

    fn take_line(&mut self, bytes: &[u8]) -> usize {
        let newline = bytes.iter().position(|byte| *byte == b'\n');
        let used = newline.map_or(bytes.len(), |at| at + 1);
        self.line.extend_from_slice(&bytes[..used]);
        if self.line.len() > LONGEST_HEAD {
            self.position = Position::Lost;
        } else if newline.is_some() {
            self.end_of_line();
        }
        used
    }

    fn end_of_line(&mut self) {
        let next = match self.position {
            Position::Head if self.line.ends_with(b"\r\n\r\n") => self.end_of_head(),
            // A stray empty line before a request is allowed.
            Position::Head if self.line == b"\r\n" => Position::Head,
            Position::Head => return,
            Position::ChunkSize => self.chunk_size(),
            Position::ChunkEnd => Position::ChunkSize,
            Position::Trailers if self.line == b"\r\n" => Position::Head,
            other => other,
        };
        self.position = next;
        self.line.clear();
    }

    fn end_of_head(&mut self) -> Position {
        self.last_chunk = None;
        let head = String::from_utf8_lossy(&self.line).to_ascii_lowercase();
        let field = |name: &str| {
            head.lines()
                .find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name))
                .map(|(_, v)| v.trim())
        };
        if field("transfer-encoding").is_some_and(|encoding| encoding.ends_with("chunked")) {
            return Position::ChunkSize;
        }
        match field("content-length").map(str::parse) {
            None | Some(Ok(0)) => Position::Head,
            Some(Ok(length)) => Position::Length(length),
            Some(Err(_)) => Position::Lost,
        }
    }

    fn chunk_size(&mut self) -> Position {
        let line = String::from_utf8_lossy(&self.line);
        let digits = line.split(';').next().unwrap_or_default().trim();
        match u64::from_str_radix(digits, 16) {
            Ok(0) => Position::Trailers,
            Ok(size) => {
                self.last_chunk = Some(size);
                Position::ChunkData(size)
            }
            Err(_) => Position::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] =
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nB;x=y\r\nhello\r\nworl\r\n0\r\nA: b\r\n\r\n";

    #[test]
    fn the_last_chunk_is_known_however_the_bytes_arrive() {
        for step in 1..CHUNKED.len() {
            let mut chunks = Chunks::default();
            CHUNKED.chunks(step).for_each(|piece| chunks.observe(piece));
            assert_eq!((chunks.last_chunk(), chunks.position), (Some(11), Position::Head), "in steps of {step}");
        }
    }

    #[test]
    fn the_next_request_of_a_connection_starts_anew() {
        let mut chunks = Chunks::default();
        chunks.observe(CHUNKED);
        chunks.observe(b"POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n");
        assert_eq!((chunks.last_chunk(), chunks.position), (None, Position::Head));
    }
}
