//! Moments of a run: told to who looks closely, and those at which a test has the program die.

/// Tells that this moment is reached, at the level `debug`. With the feature `fault-points`, which no program that is shipped
/// has, it kills this process (SIGKILL) where the variable `BAHUB_FAULT_POINT` is `name`.
#[inline]
pub fn fault_point(name: &str) {
    tracing::debug!(moment = name, "reached");
    #[cfg(feature = "fault-points")]
    if std::env::var_os("BAHUB_FAULT_POINT").is_some_and(|wanted| wanted == name) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
