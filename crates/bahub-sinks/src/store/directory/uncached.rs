//! Writing past the page cache.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroU64;

use rustix::fs::{Advice, OFlags, fadvise, fcntl_setfl};
use rustix::io::Errno;

/// `O_DIRECT` wants addresses, positions and lengths that are multiples of the device's block (open(2)); no common device
/// has a larger one.
const BLOCK: usize = 4096;
/// So much is written at once.
const STAGE: usize = 1 << 20;
/// Through the cache, the kernel is asked after so many bytes to begin writing them to the disk, so that the final
/// `fsync` finds little left to do and a full disk or a broken one shows early.
const WRITEBACK: u64 = 16 << 20;

/// A new file, written past the page cache where the file system can do that: a message is not read again soon, must be on
/// the disk in the end, and must not drive out what others read all the time. It needs half the CPU time as well.
pub(super) struct Uncached {
    file: File,
    direct: bool,
    stage: Vec<u8>,
    /// Where in the stage the first aligned address is.
    origin: usize,
    filled: usize,
    written_back: u64,
    /// The bytes that the file has.
    pub(super) written: u64,
    /// Whether everything is durable.
    pub(super) finished: bool,
}

impl Uncached {
    /// `file` is empty and open for writing.
    pub(super) fn new(file: File) -> Self {
        let stage = vec![0; STAGE + BLOCK];
        let origin = stage.as_ptr().align_offset(BLOCK).min(BLOCK);
        let direct = fcntl_setfl(&file, OFlags::DIRECT).is_ok();
        Self { file, direct, stage, origin, filled: 0, written_back: 0, written: 0, finished: false }
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(STAGE - self.filled));
            let start = self.origin + self.filled;
            self.stage[start..start + now.len()].copy_from_slice(now);
            self.filled += now.len();
            bytes = later;
            if self.filled == STAGE {
                self.flush(STAGE)?;
                self.filled = 0;
            }
        }
        Ok(())
    }

    /// Writes what is left, and makes everything durable.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let whole = self.filled - self.filled % BLOCK;
        self.flush(whole)?;
        self.stage.copy_within(self.origin + whole..self.origin + self.filled, self.origin);
        self.through_the_cache()?;
        self.flush(self.filled - whole)?;
        self.filled = 0;
        self.file.sync_all()?;
        self.finished = true;
        Ok(())
    }

    /// Writes the first bytes of the stage.
    fn flush(&mut self, length: usize) -> io::Result<()> {
        let mut from = 0;
        while from < length {
            match self.file.write(&self.stage[self.origin + from..self.origin + length]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    from += count;
                    self.written += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A larger block, a position that a short write left, or a file system that changed its mind.
                Err(error) if self.direct && Errno::from_io_error(&error) == Some(Errno::INVAL) => {
                    self.through_the_cache()?;
                }
                Err(error) => return Err(error),
            }
        }
        if !self.direct && self.written - self.written_back >= WRITEBACK {
            // `POSIX_FADV_DONTNEED` starts writing dirty pages without waiting for them (Linux, mm/fadvise.c). Only a hint:
            // a file system that cannot do it writes everything at the end.
            let length = NonZeroU64::new(self.written - self.written_back);
            let _ = fadvise(&self.file, self.written_back, length, Advice::DontNeed);
            self.written_back = self.written;
        }
        Ok(())
    }

    fn through_the_cache(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.direct) {
            fcntl_setfl(&self.file, OFlags::empty())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_arrives_with_and_without_the_cache() {
        let folder = tempfile::tempdir().unwrap();
        let data: Vec<u8> = (0..3 * STAGE + 5).map(|index| (index % 253) as u8).collect();
        for (number, length) in
            [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, STAGE - 1, STAGE, STAGE + 1, 2 * STAGE + BLOCK, data.len()]
                .into_iter()
                .enumerate()
        {
            for direct in [true, false] {
                let path = folder.path().join(format!("{number}-{direct}"));
                let mut file = Uncached::new(File::create(&path).unwrap());
                if !direct {
                    file.through_the_cache().unwrap();
                }
                data[..length].chunks(100_003).for_each(|chunk| file.write(chunk).unwrap());
                file.finish().unwrap();
                assert_eq!(file.written, length as u64);
                assert!(std::fs::read(&path).unwrap() == data[..length], "{length}");
            }
        }
    }

    #[test]
    fn a_full_device_is_an_error() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut file = Uncached::new(full);
        let written = file.write(&vec![0; 2 * STAGE]).and_then(|()| file.finish());
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
