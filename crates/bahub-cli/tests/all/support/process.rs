//! Looking at processes.

use std::fs;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::LIMIT;

/// Waits until a process has ended; false where it does not.
pub(crate) fn is_gone(pid: Pid) -> bool {
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return true };
    let limit = Timespec { tv_sec: i64::try_from(LIMIT.as_secs()).unwrap(), tv_nsec: 0 };
    poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)).unwrap() == 1
}

/// What every user of this host can read of all processes now: a name, and the command line with the environment.
pub(crate) fn all_processes() -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let processes = entries.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    processes
        .map(|process| {
            let read = |name: &str| fs::read(process.path().join(name)).unwrap_or_default();
            let name = String::from_utf8_lossy(&read("comm")).trim().to_owned();
            (name, [read("cmdline"), read("environ")].concat())
        })
        .collect()
}
