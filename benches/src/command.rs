//! Commands with their cost, by GNU time.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a command cost, its children included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Seconds from start to end.
    pub wall: f64,
    /// Seconds of all cores, user and system.
    pub cpu: f64,
    /// The largest resident set of any one process, in KiB.
    pub rss: u64,
}

/// Runs a line of shell and returns its cost.
///
/// # Errors
/// If it cannot be started, does not end well, or GNU time is missing.
pub fn timed(line: &str, folder: &Path) -> io::Result<Cost> {
    let report = folder.join("time.txt");
    let status = Command::new("/usr/bin/time")
        .args(["-f", "%e %U %S %M", "-o"])
        .arg(&report)
        .args(["bash", "-o", "pipefail", "-ec", line])
        .current_dir(folder)
        .status()
        .map_err(|error| io::Error::new(error.kind(), format!("/usr/bin/time: {error}; apt-get install time")))?;
    if !status.success() {
        return Err(io::Error::other(format!("failed with {status}: {line}")));
    }
    let text = std::fs::read_to_string(&report)?;
    let numbers = text.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<f64>>();
    match numbers[..] {
        [wall, user, system, rss] => Ok(Cost { wall, cpu: user + system, rss: rss as u64 }),
        _ => Err(io::Error::other(format!("GNU time wrote: {text}"))),
    }
}

/// Runs a line of shell and returns its cost, with the largest resident set that any process of this name has meanwhile.
/// Linux keeps the peak of each, so that looking now and then misses only what grows in its last hundredth of a second.
///
/// # Errors
/// As [`timed`], or if there is no such process.
pub fn timed_process(name: &str, line: &str, folder: &Path) -> io::Result<Cost> {
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peak = 0;
            while !is_done.load(Ordering::Relaxed) {
                peak = peak.max(peak_of(name));
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            peak
        });
        let cost = timed(line, folder);
        is_done.store(true, Ordering::Relaxed);
        match (cost?, watch.join().unwrap_or(0)) {
            (_, 0) => Err(io::Error::other(format!("no process {name} was seen"))),
            (cost, rss) => Ok(Cost { rss, ..cost }),
        }
    })
}

/// The largest peak resident set of the processes of this name, in KiB.
fn peak_of(name: &str) -> u64 {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    let named =
        processes.filter(|path| std::fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name));
    let peak = |path: PathBuf| -> Option<u64> {
        let status = std::fs::read_to_string(path.join("status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
    };
    named.filter_map(peak).max().unwrap_or(0)
}

/// The costs of one command over several rounds.
#[derive(Debug, Clone)]
pub struct Series {
    /// What is printed.
    pub name: String,
    /// The line of shell.
    pub line: String,
    /// Run before each round, outside of the measurement.
    pub before: String,
    /// What was measured.
    pub costs: Vec<Cost>,
}

impl Series {
    /// A command to measure.
    pub fn new(name: impl Into<String>, before: impl Into<String>, line: impl Into<String>) -> Self {
        Self { name: name.into(), line: line.into(), before: before.into(), costs: Vec::new() }
    }

    /// Runs all of them in turn, `rounds` times, so that a busy moment hits each alike. What one wrote is on the disk
    /// before the next begins: bahub, which waits for the disk before it commits, would pay for its rivals' output.
    ///
    /// # Errors
    /// The first command that fails.
    pub fn interleaved(series: &mut [Self], rounds: usize, folder: &Path) -> io::Result<()> {
        for _ in 0..rounds {
            for one in series.iter_mut() {
                timed(&format!("{}\nsync", one.before), folder)?;
                one.costs.push(timed(&one.line, folder)?);
            }
        }
        Ok(())
    }

    /// The median of a measure.
    pub fn median(&self, measure: impl Fn(&Cost) -> f64) -> f64 {
        median(self.costs.iter().map(measure).collect())
    }
}

/// The middle of these numbers; 0 for none.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(0.0)
}
