//! What is known of a command that failed.

use bahub_core::adapter::{Diagnosis, StepEnd, StepFailure};

pub(super) fn explain(failure: &StepFailure) -> Option<Diagnosis> {
    let said = |cause: String, help: &'static str| Some(Diagnosis { cause, help: help.into() });
    match &failure.end {
        StepEnd::NotFound => said(
            format!("{} was not found where the transport runs commands", failure.program),
            "install it there, or write its whole path",
        ),
        _ if failure.stderr.contains("pipefail") => said(
            "the shell cannot report a failure inside of a pipeline (`pipefail`)".into(),
            "install bash there, or write the command as a list of words",
        ),
        StepEnd::Incomplete => said(
            format!("what {} wrote does not end as the spec says", failure.program),
            "see what it wrote last: check `trailer` and `restore_trailer`",
        ),
        StepEnd::TimedOut { .. } => said(
            format!("{} took too long", failure.program),
            "`preflight` has ten seconds, `counts` an hour; the command's own log may say what it waited for: input, a lock, a server",
        ),
        _ => None,
    }
}
