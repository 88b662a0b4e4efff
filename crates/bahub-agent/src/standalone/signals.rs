//! Signals that end a run.

use std::io;

use bahub_core::engine::RunControl;
use tokio::signal::unix::{SignalKind, signal};

use crate::output::Output;

/// Cancels the run at the first SIGINT, SIGTERM or SIGHUP. One that was ignored when this program was started, by nohup for
/// example, stays ignored.
pub(super) fn cancel(control: &RunControl, output: &Output) -> io::Result<()> {
    let ignored = ignored();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        if ignored & (1 << (kind.as_raw_value() - 1)) != 0 {
            continue;
        }
        let (mut arrived, control, output) = (signal(kind)?, control.clone(), output.clone());
        tokio::spawn(async move {
            arrived.recv().await;
            control.cancel();
            // A terminal that takes no line must delay nothing.
            tokio::task::spawn_blocking(move || output.info("stopping the command and the transfer"));
        });
    }
    Ok(())
}

/// A bit for each signal that this process ignores (proc(5), `SigIgn`); none where that cannot be read.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
