//! When a command writes something.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use crate::median;

/// Runs a line of shell, and returns the time from the first of `marks` in its output to each of them, in seconds; the last
/// is that of its end.
///
/// # Errors
/// If it does not end well, or does not write one of them.
fn times(line: &str, folder: &Path, marks: &[&str]) -> io::Result<Vec<f64>> {
    let mut child = Command::new("sh")
        .args(["-c", line])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (tell, told) = mpsc::channel();
    let streams: [Option<Box<dyn Read + Send>>; 2] =
        [child.stdout.take().map(|it| Box::new(it) as _), child.stderr.take().map(|it| Box::new(it) as _)];
    for stream in streams.into_iter().flatten() {
        let tell = tell.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let _ = tell.send((Instant::now(), line));
            }
        });
    }
    drop(tell);
    let mut seen = vec![None; marks.len()];
    for (when, line) in told {
        for (seen, _) in seen.iter_mut().zip(marks).filter(|(seen, mark)| seen.is_none() && line.contains(*mark)) {
            *seen = Some(when);
        }
    }
    if !child.wait()?.success() {
        return Err(io::Error::other(format!("failed: {line}")));
    }
    let end = Instant::now();
    let unsaid = |mark: &str| io::Error::other(format!("never said {mark}: {line}"));
    let seen = seen.into_iter().zip(marks).map(|(seen, mark)| seen.ok_or_else(|| unsaid(mark)));
    let seen = seen.collect::<io::Result<Vec<_>>>()?;
    let Some(&first) = seen.first() else { return Ok(Vec::new()) };
    Ok(seen.into_iter().chain([end]).map(|when| when.duration_since(first).as_secs_f64()).collect())
}

/// The medians of the times between these marks, and from the last to the end, in milliseconds.
///
/// # Errors
/// If a run does not end well, or does not write one of them.
pub fn between(line: &str, folder: &Path, marks: &[&str], rounds: usize) -> io::Result<Vec<f64>> {
    let runs = (0..rounds).map(|_| times(line, folder, marks)).collect::<io::Result<Vec<_>>>()?;
    let step = |step: usize| median(runs.iter().map(|run| (run[step + 1] - run[step]) * 1000.0).collect());
    Ok((0..marks.len()).map(step).collect())
}
