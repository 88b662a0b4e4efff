//! Counting what is there, before and after it is captured.

use std::time::Duration;

use bahub_core::census::{Counts, UNREADABLE};
use bahub_core::compression::Algorithm;
use bahub_core::link::CaptureJob;

use crate::job::JobContext;
use crate::job::probe::lines_of;
use crate::steps::within;

/// How long counting may take.
const CENSUS: Duration = Duration::from_secs(3600);
/// How many bytes of counts a version may hold, before and after each: both are in one fact.
const MAX_CENSUS: u64 = 256 * 1024;

/// What was counted before the capture, where it could be, and what stood in the way.
pub(super) struct Counted {
    lines: Option<Vec<String>>,
    pub(super) warnings: Vec<String>,
}

impl Counted {
    /// Counts before the capture; blocks.
    pub(super) fn take(job: &CaptureJob, cx: &JobContext) -> Self {
        let mut warnings = Vec::new();
        Self { lines: counted(job, cx, &mut warnings), warnings }
    }

    /// Counts again after it, unless there is nothing from before; returns both. Blocks.
    pub(super) fn with_after(
        self,
        job: &CaptureJob,
        cx: &JobContext,
        warnings: &mut Vec<String>,
    ) -> Option<[Vec<String>; 2]> {
        let before = self.lines?;
        let after = counted(job, cx, warnings)?;
        Some([before, after])
    }
}

/// Counts what is there, where a version can say so. A failure to count is no reason not to back up.
fn counted(job: &CaptureJob, cx: &JobContext, warnings: &mut Vec<String>) -> Option<Vec<String>> {
    let step = job.census.as_ref().filter(|_| job.compression.algorithm != Algorithm::None)?;
    let counted = within(CENSUS, step, MAX_CENSUS + 1, &cx.switch, &cx.log());
    match counted {
        Ok((output, _)) if output.len() as u64 <= MAX_CENSUS => {
            let lines = lines_of(&output);
            match Counts::parse(&lines) {
                Ok(_) => return Some(lines),
                Err(why) => warnings
                    .push(format!("{UNREADABLE}; drills of this version will have no counts to compare with: {why}")),
            }
        }
        Ok(_) => warnings.push("too many counts: drills of this version will have none to compare with".into()),
        Err(failure) => {
            warnings.push(format!(
                "counting failed; drills of this version will have no counts to compare with: {failure}"
            ));
        }
    }
    None
}
