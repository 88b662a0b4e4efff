//! Writing past the page cache.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::num::NonZeroU64;
use std::ops::Range;

use bahub_core::sink::ALIGNMENT;
use bytes::Bytes;
use rustix::fs::{Advice, OFlags, fadvise, fcntl_setfl};
use rustix::io::Errno;

/// `O_DIRECT` wants addresses, positions and lengths that are multiples of the device's block (open(2)); no common device
/// has a larger one.
const BLOCK: usize = ALIGNMENT;
/// How much is written at once.
const STAGE: usize = 1 << 20;
/// When writing through the cache, the kernel is asked after this many bytes to start writing them to the disk, so that the
/// final `fsync` has little left to do and a full or broken disk shows early.
const WRITEBACK: u64 = 16 << 20;

/// A new file, written past the page cache if the file system supports it: a message is not read again soon, must be on
/// the disk in the end, and must not evict other programs' cached data. It also needs only half the CPU time.
pub(super) struct Uncached {
    target: Target,
    stage: Vec<u8>,
    /// The offset of the first aligned address in the stage.
    origin: usize,
    filled: usize,
    /// Whether everything is durable.
    pub(super) finished: bool,
}

impl Uncached {
    /// `file` is empty and open for writing.
    pub(super) fn new(file: File) -> Self {
        let stage = vec![0; STAGE + BLOCK];
        let origin = stage.as_ptr().align_offset(BLOCK).min(BLOCK);
        let direct = fcntl_setfl(&file, OFlags::DIRECT).is_ok();
        let target = Target { file, direct, written: 0, written_back: 0 };
        Self { target, stage, origin, filled: 0, finished: false }
    }

    /// The size of the file.
    pub(super) fn written(&self) -> u64 {
        self.target.written
    }

    /// Writes chunks in order. Leading chunks of whole blocks at aligned addresses are written as they are; the rest goes
    /// through the stage.
    pub(super) fn write(&mut self, chunks: &[Bytes]) -> io::Result<()> {
        let aligned = chunks.iter().take_while(|chunk| self.filled == 0 && is_aligned(chunk)).count();
        let (straight, staged) = chunks.split_at(aligned);
        self.target.write(&mut straight.iter().map(|chunk| IoSlice::new(chunk)).collect::<Vec<_>>())?;
        staged.iter().try_for_each(|chunk| self.gather(chunk))
    }

    fn gather(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(STAGE - self.filled));
            let start = self.origin + self.filled;
            self.stage[start..start + now.len()].copy_from_slice(now);
            self.filled += now.len();
            bytes = later;
            if self.filled == STAGE {
                self.flush(0..STAGE)?;
                self.filled = 0;
            }
        }
        Ok(())
    }

    /// Writes what is left, and makes everything durable.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let whole = self.filled - self.filled % BLOCK;
        self.flush(0..whole)?;
        self.target.through_the_cache()?;
        self.flush(whole..self.filled)?;
        self.filled = 0;
        self.target.file.sync_all()?;
        self.finished = true;
        Ok(())
    }

    /// Writes a part of the stage.
    fn flush(&mut self, part: Range<usize>) -> io::Result<()> {
        let bytes = &self.stage[self.origin + part.start..self.origin + part.end];
        self.target.write(&mut [IoSlice::new(bytes)])
    }
}

fn is_aligned(chunk: &[u8]) -> bool {
    chunk.as_ptr().addr().is_multiple_of(BLOCK) && chunk.len().is_multiple_of(BLOCK)
}

/// The file itself.
struct Target {
    file: File,
    direct: bool,
    written: u64,
    written_back: u64,
}

impl Target {
    fn write(&mut self, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        // Removes empty buffers at the front.
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            match self.file.write_vectored(slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.written += count as u64;
                    IoSlice::advance_slices(&mut slices, count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A larger block, an unaligned position after a short write, or a file system that stopped supporting it.
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

    /// At an aligned address.
    fn aligned(bytes: &[u8]) -> Bytes {
        let mut room = vec![0; bytes.len() + BLOCK];
        let start = room.as_ptr().align_offset(BLOCK);
        room[start..start + bytes.len()].copy_from_slice(bytes);
        Bytes::from(room).slice(start..start + bytes.len())
    }

    #[test]
    fn every_length_arrives_with_and_without_the_cache() {
        let folder = tempfile::tempdir().unwrap();
        let data: Vec<u8> = (0..3 * STAGE + 5).map(|index| (index % 253) as u8).collect();
        for (number, length) in
            [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, STAGE - 1, STAGE, STAGE + 1, 2 * STAGE + BLOCK, data.len()]
                .into_iter()
                .enumerate()
        {
            for (direct, size) in [(true, 100_003), (true, 16 * BLOCK), (false, 100_003), (false, 16 * BLOCK)] {
                let path = folder.path().join(format!("{number}-{direct}-{size}"));
                let mut file = Uncached::new(File::create(&path).unwrap());
                if !direct {
                    file.target.through_the_cache().unwrap();
                }
                let chunks = data[..length].chunks(size).map(aligned).collect::<Vec<_>>();
                chunks.chunks(7).for_each(|batch| file.write(batch).unwrap());
                file.finish().unwrap();
                assert_eq!(file.written(), length as u64);
                assert!(std::fs::read(&path).unwrap() == data[..length], "{length}");
            }
        }
    }

    #[test]
    fn a_full_device_is_an_error() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        for chunk in [Bytes::from(vec![0; 2 * STAGE + 1]), aligned(&vec![0; STAGE])] {
            let mut file = Uncached::new(full.try_clone().unwrap());
            let written = file.write(&[chunk]).and_then(|()| file.finish());
            assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
    }
}
