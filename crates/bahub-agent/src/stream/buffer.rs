//! Buffers that travel between threads, and back to be filled again.

use std::io;

/// A buffer, and how much of it is data.
#[derive(Default)]
pub(crate) struct Filled {
    pub(crate) buffer: Vec<u8>,
    pub(crate) length: usize,
}

/// Fills a buffer as far as the source goes; a length of 0 is its end.
pub(crate) fn fill(mut buffer: Vec<u8>, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<Filled> {
    let mut length = 0;
    while length < buffer.len() {
        match read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Filled { buffer, length })
}
