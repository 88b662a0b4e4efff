//! The holder of what a run stopped: a process on this host, whose existence can be checked.

use std::fmt;
use std::fs;

/// A process, identified uniquely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The boot of the host.
    boot: String,
    /// The namespace of the process's id.
    namespace: String,
    pid: i32,
    /// When it started, in clock ticks since the boot.
    started: u64,
}

impl Holder {
    /// This process. None if the system does not provide the data.
    pub(crate) fn this() -> Option<Self> {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        Some(Self { boot: boot()?, namespace: namespace()?, pid, started: started(pid)? })
    }

    /// What [`Display`](fmt::Display) wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('/');
        let holder = Self {
            boot: fields.next()?.to_owned(),
            namespace: fields.next()?.to_owned(),
            pid: fields.next()?.parse().ok()?,
            started: fields.next()?.parse().ok()?,
        };
        fields.next().is_none().then_some(holder)
    }

    /// Whether the process exists; none if it cannot be known, because it belongs to another host, boot or container.
    pub(crate) fn lives(&self) -> Option<bool> {
        if boot()? != self.boot || namespace()? != self.namespace {
            return None;
        }
        match fs::read_to_string(format!("/proc/{}/stat", self.pid)) {
            Ok(stat) => Some(started_of(&stat) == Some(self.started)),
            // If others' processes are hidden, only the kernel's answer to a signal shows it.
            Err(_) => (rustix::process::test_kill_process(rustix::process::Pid::from_raw(self.pid)?)
                == Err(rustix::io::Errno::SRCH))
            .then_some(false),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.boot, self.namespace, self.pid, self.started)
    }
}

fn boot() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
}

/// `pid:[4026531836]`, without what a label or a path might not take.
fn namespace() -> Option<String> {
    let link = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(link.to_str()?.chars().filter(char::is_ascii_digit).collect())
}

fn started(pid: i32) -> Option<u64> {
    started_of(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The 22nd field of `stat`; a zombie does not count.
fn started_of(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    (state != "Z" && state != "X").then(|| fields.nth(18)?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start() {
        let this = Holder::this().unwrap();
        assert_eq!(Holder::parse(&this.to_string()), Some(this.clone()));
        assert_eq!(this.lives(), Some(true));
        assert_eq!(Holder { started: this.started + 1, ..this.clone() }.lives(), Some(false));
        assert_eq!(Holder { boot: "another".into(), ..this }.lives(), None);
        assert_eq!(Holder::parse("a/b/c/d"), None);
    }

    #[test]
    fn one_that_ended_does_not_live() {
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let holder =
            Holder { pid: child.id() as i32, started: started(child.id() as i32).unwrap(), ..Holder::this().unwrap() };
        assert_eq!(holder.lives(), Some(true));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(holder.lives(), Some(false));
    }
}
