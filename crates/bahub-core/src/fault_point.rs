//! Moments of a run: logged for debugging, and places at which a test makes the program fail.

/// Reports that this moment is reached, at the level `debug`. With the feature `fault-points`, which no program that is shipped
/// has, it kills this process (SIGKILL) where the variable `BAHUB_FAULT_POINT` is `name`, and panics, once, where it is
/// `panic:name`.
#[inline]
pub fn fault_point(name: &str) {
    tracing::debug!(moment = name, "reached");
    #[cfg(feature = "fault-points")]
    injected::fail_at(name);
}

#[cfg(feature = "fault-points")]
mod injected {
    use std::sync::atomic::{AtomicBool, Ordering};

    /// What undoes a panic passes the same moments, and must not panic again.
    static PANICKED: AtomicBool = AtomicBool::new(false);

    #[expect(clippy::panic, reason = "that is what a test asks for")]
    pub(super) fn fail_at(name: &str) {
        let Some(wanted) = std::env::var_os("BAHUB_FAULT_POINT") else { return };
        if wanted == name {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
        let panics = wanted.to_str().and_then(|wanted| wanted.strip_prefix("panic:")) == Some(name);
        if panics && !PANICKED.swap(true, Ordering::SeqCst) {
            panic!("injected at {name}");
        }
    }
}
