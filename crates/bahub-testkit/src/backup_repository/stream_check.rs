//! What the real server checks of an upload while it arrives (`pkg/storage/validation.go`).

use std::collections::VecDeque;

use bytes::Bytes;

use crate::contains;

const HEADER: &[u8] = b"-----BEGIN PGP MESSAGE";
const FOOTER: &[u8] = b"-----END PGP MESSAGE";

/// The server's buffer: no read is longer.
pub(super) const LONGEST_READ: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct StreamCheck {
    allowed: u64,
    total: u64,
    tail: VecDeque<Bytes>,
    tail_bytes: usize,
}

impl StreamCheck {
    pub(super) fn new(allowed: u64) -> Self {
        Self { allowed, total: 0, tail: VecDeque::new(), tail_bytes: 0 }
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Checks one read; an `Err` contains the server's message.
    pub(super) fn read(&mut self, read: &Bytes) -> Result<(), String> {
        let first = self.total == 0;
        self.total += read.len() as u64;
        if self.total > self.allowed {
            return Err(format!(
                "filesize reached allowed limit. Uploaded {} bytes, allowed to upload only {} bytes",
                self.total, self.allowed
            ));
        }
        if first && !contains(read, HEADER) {
            return Err("first chunk of uploaded data does not contain a valid GPG header".to_owned());
        }
        self.keep(read.clone());
        Ok(())
    }

    /// Checks the end; the last `last_read` bytes came in one read.
    pub(super) fn finish(self, last_read: u64) -> Result<u64, String> {
        if self.total == 0 {
            // The real server finds no header in its one, empty read.
            return Err("first chunk of uploaded data does not contain a valid GPG header".to_owned());
        }
        let tail: Vec<u8> = self.tail.into_iter().flatten().collect();
        let window = usize::try_from(last_read).unwrap_or(LONGEST_READ).min(LONGEST_READ).min(tail.len());
        if !contains(&tail[tail.len() - window..], FOOTER) {
            return Err("end of stream does not contain a valid GPG footer, suspecting a data corruption".to_owned());
        }
        Ok(self.total)
    }

    fn keep(&mut self, read: Bytes) {
        self.tail_bytes += read.len();
        self.tail.push_back(read);
        while let Some(oldest) = self.tail.front()
            && self.tail_bytes - oldest.len() >= LONGEST_READ
        {
            self.tail_bytes -= oldest.len();
            self.tail.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(reads: &[&'static [u8]]) -> Result<u64, String> {
        let mut check = StreamCheck::new(1 << 30);
        for read in reads {
            check.read(&Bytes::from_static(read))?;
        }
        check.finish(reads.last().map_or(0, |read| read.len() as u64))
    }

    #[test]
    fn a_message_in_one_read_or_in_three_is_accepted() {
        assert_eq!(outcome(&[b"-----BEGIN PGP MESSAGE-----\n\nx\n-----END PGP MESSAGE-----\n"]), Ok(57));
        assert_eq!(outcome(&[b"-----BEGIN PGP MESSAGE", b"xyz", b"-----END PGP MESSAGE"]), Ok(45));
    }

    #[test]
    fn a_header_cut_by_the_first_read_is_refused() {
        assert!(
            outcome(&[b"-----BEGIN PGP", b" MESSAGE-----\nx\n-----END PGP MESSAGE"]).unwrap_err().contains("header")
        );
    }

    #[test]
    fn a_footer_cut_by_the_last_read_is_refused() {
        assert!(
            outcome(&[b"-----BEGIN PGP MESSAGE\nx\n-----END PGP", b" MESSAGE-----"]).unwrap_err().contains("footer")
        );
    }

    #[test]
    fn an_empty_body_is_refused() {
        assert!(outcome(&[]).is_err());
    }

    #[test]
    fn a_footer_earlier_than_the_last_mebibyte_is_refused() {
        let mut check = StreamCheck::new(1 << 30);
        check.read(&Bytes::from_static(b"-----BEGIN PGP MESSAGE -----END PGP MESSAGE")).unwrap();
        for _ in 0..16 {
            check.read(&Bytes::from(vec![b'x'; 1 << 16])).unwrap();
        }
        assert!(check.finish(u64::MAX).is_err());
    }
}
