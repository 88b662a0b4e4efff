//! `:history [NAME...]`

use bahub_core::exit::ExitCode;
use bahub_history::{History, RunFilter};
use jiff::Zoned;

use super::session::Session;
use crate::args::HistoryArgs;
use crate::failed::Failed;

pub(super) fn run(session: &Session, args: HistoryArgs) -> Result<ExitCode, Failed> {
    let since = args.since.map(|span| Zoned::now().checked_sub(span));
    let since = since.transpose().map_err(|error| Failed::new(ExitCode::Usage, format!("--since: {error}")))?;
    let filter = RunFilter::of(args.names)
        .failed(args.failed)
        .since(since.map(|since| since.timestamp()))
        .limit(Some(args.limit));
    let runs = match session.history_to_read()? {
        Some(history) => history.runs(&filter).map_err(unreadable)?,
        None => Vec::new(),
    };
    session.renderer.history(&runs)?;
    Ok(ExitCode::Ok)
}

impl Session {
    /// The history of this host; none before the first run.
    pub(super) fn history_to_read(&self) -> Result<Option<History>, Failed> {
        let none = || Failed::new(ExitCode::Failed, "there is no folder for a history");
        let folder = self.state_folder().ok_or_else(|| none().with_help("set --state-dir, or the variable HOME"))?;
        History::open_to_read(folder).map_err(unreadable)
    }
}

pub(super) fn unreadable(error: bahub_history::HistoryError) -> Failed {
    Failed::new(ExitCode::Failed, error.to_string())
        .with_help("check who may read it, and which folder --state-dir names")
}
