//! One switch that ends every program of a job, whichever thread started it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, getpid, kill_process, kill_process_group};

/// Every running group of this process, to be killed on a panic.
static ALL: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Makes a panic the end of this process, whatever it was built with: after its message every program that was started is
/// killed, and nothing is unwound.
pub fn end_on_panic() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        // Nothing here waits for a lock that the panic may hold.
        if let Ok(all) = ALL.try_lock() {
            all.iter().for_each(|group| kill(*group));
        }
        // Not by SIGABRT: what it would leave of this process on a disk holds plaintext and keys.
        let _ = kill_process(getpid(), Signal::KILL);
        loop {
            std::thread::park();
        }
    }));
}

fn all() -> MutexGuard<'static, Vec<Pid>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills every registered process group, now and from now on; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct KillSwitch {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    thrown: bool,
    groups: Vec<Pid>,
}

/// Trips a switch when it is dropped.
#[derive(Debug)]
pub(crate) struct TripOnDrop(KillSwitch);

impl Drop for TripOnDrop {
    fn drop(&mut self) {
        self.0.trip();
    }
}

impl KillSwitch {
    /// Trips it at the end of a scope, however that ends.
    pub(crate) fn on_drop(&self) -> TripOnDrop {
        TripOnDrop(self.clone())
    }

    /// Kills everything that runs, and everything that is started later.
    pub(crate) fn trip(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.thrown = true;
        for group in &state.groups {
            kill(*group);
        }
    }

    /// True once everything was killed.
    pub(crate) fn is_thrown(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).thrown
    }

    /// Takes a process group in; a group that comes too late is killed at once.
    pub(super) fn register(&self, group: Pid) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.groups.push(group);
        all().push(group);
        if state.thrown {
            kill(group);
        }
    }

    /// Ends what is left of a group whose leader ended and was not waited for yet: until then its number is not
    /// reused.
    pub(super) fn retire(&self, group: Pid) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.groups.retain(|other| *other != group);
        all().retain(|other| *other != group);
        kill(group);
    }
}

fn kill(group: Pid) {
    // The only possible failure means that no process is left.
    let _ = kill_process_group(group, Signal::KILL);
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::Command;

    use super::*;

    /// Set where this program is the one that panics.
    const PANICS: &str = "BAHUB_TEST_PANICS";

    #[test]
    fn a_panic_ends_the_process_and_the_grandchildren_of_its_programs() {
        if std::env::var_os(PANICS).is_some() {
            return panics();
        }
        let name = "steps::kill::tests::a_panic_ends_the_process_and_the_grandchildren_of_its_programs";
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", name, "--nocapture"]).env(PANICS, "1");
        let ended = child.output().unwrap();
        let output = String::from_utf8_lossy(&ended.stdout) + String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.signal(), Some(9), "{output}");
        let group = output.split("group ").nth(1).unwrap().split_whitespace().next().unwrap();
        let alive = || std::fs::read_dir("/proc").unwrap().flatten().any(|one| is_of(&one.path(), group));
        let gone = (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            !alive()
        });
        assert!(gone, "{output}");
    }

    fn is_of(process: &std::path::Path, group: &str) -> bool {
        let stat = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
        let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        fields.next() != Some("Z") && fields.nth(1) == Some(group)
    }

    fn panics() {
        let mut program = Command::new("sh");
        let mut program = program.args(["-c", "sleep 1000 & sleep 1000"]).process_group(0).spawn().unwrap();
        println!("group {} ", program.id());
        KillSwitch::default().register(Pid::from_child(&program));
        end_on_panic();
        let _ = std::thread::spawn(|| panic!("as it must not")).join();
        program.wait().unwrap();
    }
}
