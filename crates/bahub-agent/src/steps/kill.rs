//! One switch that ends every program of a job, whichever thread started it.

use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

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

impl KillSwitch {
    /// Kills everything that runs, and everything that is started later.
    pub(crate) fn throw(&self) {
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
        if state.thrown {
            kill(group);
        }
    }

    /// Ends what is left of a group whose leader ended and was not waited for yet: until then its number is not given
    /// to anybody else.
    pub(super) fn retire(&self, group: Pid) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.groups.retain(|other| *other != group);
        kill(group);
    }
}

fn kill(group: Pid) {
    // The only failure there is means that nobody is left.
    let _ = kill_process_group(group, Signal::KILL);
}
