//! Moments at which a test has the program die.

/// Kills this process (SIGKILL) where the variable `BAHUB_FAULT_POINT` is `name`; nothing without the feature
/// `fault-points`, which no program that is shipped has.
#[inline]
pub fn fault_point(name: &str) {
    #[cfg(feature = "fault-points")]
    if std::env::var_os("BAHUB_FAULT_POINT").is_some_and(|wanted| wanted == name) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
    #[cfg(not(feature = "fault-points"))]
    let _ = name;
}
