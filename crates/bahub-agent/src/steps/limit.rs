//! A program with a time limit.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use bahub_core::adapter::{StepEnd, StepFailure};
use bahub_core::step::Step;

use super::child::ChildOutcome;
use super::{KillSwitch, LogLine, Plug, start};

/// How often the kill switch is checked.
const TICK: Duration = Duration::from_millis(100);

/// Runs a program and returns at most `most` bytes of its output; it is killed with the others of the switch, and when its time
/// is over.
///
/// # Errors
/// As of any program; [`StepEnd::TimedOut`] where it took too long.
pub(crate) fn within(
    limit: Duration,
    step: &Step,
    most: u64,
    switch: &KillSwitch,
    log: &LogLine,
) -> Result<(Vec<u8>, ChildOutcome), StepFailure> {
    let own = KillSwitch::default();
    let (over, ended) = channel::<()>();
    let watch = thread::spawn({
        let (own, switch) = (own.clone(), switch.clone());
        move || {
            let began = Instant::now();
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                if began.elapsed() > limit || switch.is_thrown() {
                    own.trip();
                    return began.elapsed() > limit;
                }
            }
            false
        }
    });
    let result = start(step, Plug::Nothing, Plug::Pipe, &own, log).and_then(|child| child.output(most));
    drop(over);
    match (watch.join().unwrap_or(false), result) {
        (true, Err(StepFailure { program, stderr, .. })) => {
            Err(StepFailure::new(program, StepEnd::TimedOut { seconds: limit.as_secs() }).with_stderr(stderr))
        }
        (_, result) => result,
    }
}
