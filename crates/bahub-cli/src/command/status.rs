//! `:status [NAME...]`

use std::num::NonZeroUsize;

use bahub_core::exit::ExitCode;
use jiff::Timestamp;

use super::history::unreadable;
use super::schedule::host;
use super::session::Session;
use crate::args::{Chosen, StatusArgs};
use crate::failed::Failed;
use crate::status::{BackupStatus, State, Status};

pub(super) fn run(session: &Session, args: &StatusArgs) -> Result<ExitCode, Failed> {
    let configuration = session.configuration()?;
    let all = args.names.is_empty() && args.tag.is_empty();
    let chosen = Chosen { names: args.names.clone(), all, tag: args.tag.clone(), max_parallel: NonZeroUsize::MIN };
    let names = chosen.names(&configuration)?;
    let known = configuration.backup_names();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Failed::new(ExitCode::Config, format!("there is no backup \"{unknown}\" in the configuration")));
    }
    let (schedules, _) = configuration.sound_schedules(&host());
    let history = session.history_to_read()?;
    let now = Timestamp::now();
    let mut backups = Vec::new();
    for name in names {
        let past = history.as_ref().map(|history| history.of_backup(&name)).transpose().map_err(unreadable)?;
        let (max_age, error) = match configuration.max_age(&name) {
            Ok(max_age) => (max_age, None),
            Err(errors) => (None, errors.iter().next().map(ToString::to_string)),
        };
        let mut status = BackupStatus::of(&name, past.unwrap_or_default(), max_age, now);
        if error.is_some() && status.state != State::Failing {
            status.state = State::Unknown;
        }
        let scheduled = schedules.iter().find(|scheduled| scheduled.backup == name);
        let next = scheduled.and_then(|scheduled| scheduled.schedule.next_after(now));
        backups.push(BackupStatus { next, error, ..status });
    }
    let notifiers = history.as_ref().map(|history| history.notifiers()).transpose().map_err(unreadable)?;
    let (configured, unusable) = configuration.notifiers();
    let is_configured = |name: &str| configured.iter().any(|notifier| notifier.name == name);
    let notifiers = notifiers.unwrap_or_default().into_values().filter(|notifier| is_configured(&notifier.name));
    let status = Status::new(backups, notifiers.collect(), unusable.iter().map(ToString::to_string).collect());
    session.renderer.status(&status)?;
    Ok(if status.is_well() { ExitCode::Ok } else { ExitCode::Stale })
}
