//! Looking at processes.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

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
    Processes::default().look()
}

/// A process is young for this long: it may become another program at any moment.
const YOUNG: Duration = Duration::from_secs(1);

/// The processes of this host, for somebody who looks again and again.
#[derive(Default)]
pub(crate) struct Processes {
    /// When each was first seen, and last read.
    known: HashMap<u32, (Instant, Instant)>,
}

impl Processes {
    /// All that were not read before, that are young, or that were not read for a while: most live as long as the host.
    pub(crate) fn look(&mut self) -> Vec<(String, Vec<u8>)> {
        let now = Instant::now();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        let before = std::mem::take(&mut self.known);
        let mut looked = Vec::new();
        for pid in pids {
            let (first, last) = before.get(&pid).copied().unwrap_or((now, now));
            let is_due = !before.contains_key(&pid) || now - first < YOUNG || now - last > YOUNG;
            self.known.insert(pid, (first, if is_due { now } else { last }));
            if is_due {
                let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
                let name = String::from_utf8_lossy(&read("comm")).trim().to_owned();
                looked.push((name, [read("cmdline"), read("environ")].concat()));
            }
        }
        looked
    }
}
