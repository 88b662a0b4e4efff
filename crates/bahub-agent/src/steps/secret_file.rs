//! A private file in memory that one child inherits: how a password reaches a program.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use bahub_core::secret::Secret;
use rustix::fs::{MemfdFlags, Mode, SealFlags, fchmod, fcntl_add_seals, memfd_create};
use rustix::io::fcntl_dupfd_cloexec;

/// Scripts open descriptors of one digit themselves, over whatever is there.
const FIRST: i32 = 10;

/// Makes the file: mode 0600, sealed, closed on exec until a child is given it.
pub(super) fn create(content: &Secret) -> io::Result<OwnedFd> {
    let fd = memfd_create("bahub", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut file = File::from(fd);
    file.write_all(content.expose().as_bytes())?;
    let fd = OwnedFd::from(file);
    fchmod(&fd, Mode::RUSR | Mode::WUSR)?;
    fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?;
    Ok(fcntl_dupfd_cloexec(&fd, FIRST)?)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn no_script_overwrites_it() {
        let file = create(&Secret::new("hunter22")).unwrap();
        assert!(file.as_raw_fd() >= FIRST);
    }
}
