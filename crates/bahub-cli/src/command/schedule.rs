//! `:schedule:next`, `:schedule:systemd`

use std::fs;
use std::path::{Path, PathBuf};

use bahub_core::config::{Configuration, ScheduledBackup, find_config};
use bahub_core::display::escape;
use bahub_core::exit::ExitCode;
use jiff::{Timestamp, ToSpan, Zoned};
use serde_json::json;

use super::session::Session;
use crate::failed::Failed;
use crate::systemd::{Unit, made_for, units};

/// The name by which times of the own are chosen.
pub(super) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

pub(super) fn next(session: &Session, names: &[String], days: u16) -> Result<ExitCode, Failed> {
    let configuration = session.configuration()?;
    let schedules = chosen(&configuration, names)?;
    let now = Timestamp::now();
    let until = Zoned::now().checked_add(i32::from(days).days()).map_or(Timestamp::MAX, |until| until.timestamp());
    let mut due: Vec<_> = schedules
        .iter()
        .flat_map(|scheduled| scheduled.schedule.between(now, until).map(move |due| (due, scheduled)))
        .collect();
    due.sort_by_key(|(due, scheduled)| (*due, &scheduled.backup));
    if session.renderer.is_json() {
        let each = due.iter().map(|(due, scheduled)| json!({ "backup": scheduled.backup, "due": due }));
        session.renderer.product(&json!({ "format": 1, "due": each.collect::<Vec<_>>() }).to_string())?;
        return Ok(ExitCode::Ok);
    }
    let lines = due.iter().map(|(due, scheduled)| {
        let local = due.to_zoned(scheduled.schedule.zone().clone()).strftime("%Y-%m-%d %H:%M %a %Z");
        format!("{local}  {}", escape(&scheduled.backup))
    });
    let lines: Vec<_> = lines.collect();
    let text = if lines.is_empty() { "nothing is due".to_owned() } else { lines.join("\n") };
    session.renderer.product(&text)?;
    Ok(ExitCode::Ok)
}

fn chosen(configuration: &Configuration, names: &[String]) -> Result<Vec<ScheduledBackup>, Failed> {
    let mut schedules = configuration.schedules(&host())?;
    if let Some(unknown) = names.iter().find(|name| !schedules.iter().any(|scheduled| scheduled.backup == **name)) {
        return Err(Failed::new(ExitCode::Config, format!("there is no backup \"{unknown}\" with a `schedule`")));
    }
    schedules.retain(|scheduled| names.is_empty() || names.contains(&scheduled.backup));
    Ok(schedules)
}

pub(super) fn systemd(session: &Session, install: bool) -> Result<ExitCode, Failed> {
    let configuration = session.configuration()?;
    let schedules = configuration.schedules(&host())?;
    if schedules.is_empty() {
        return Err(Failed::new(ExitCode::Config, "no backup has a `schedule`"));
    }
    let program = std::env::current_exe()
        .map_err(|error| Failed::new(ExitCode::Failed, format!("cannot tell where this program is: {error}")))?;
    let mut files = Vec::new();
    for file in find_config(&session.config)? {
        files.push(std::path::absolute(&file).unwrap_or(file));
    }
    let mut all = Vec::new();
    for scheduled in &schedules {
        let made = units(scheduled, &program, &files, session.state_dir.as_deref())
            .map_err(|reason| Failed::new(ExitCode::Unsupported, reason))?;
        all.extend(made);
    }
    if install {
        return write(session, &all, &made_for(&files));
    }
    let text = all.iter().map(|unit| format!("# {}\n{}", unit.name, unit.text)).collect::<Vec<_>>().join("\n");
    session.renderer.product(&text)?;
    Ok(ExitCode::Ok)
}

fn write(session: &Session, units: &[Unit], made: &str) -> Result<ExitCode, Failed> {
    let is_root = rustix::process::geteuid().is_root();
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    let config = || std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(home()?.join(".config")));
    let folder =
        if is_root { Some(PathBuf::from("/etc/systemd/system")) } else { config().map(|at| at.join("systemd/user")) };
    let folder =
        folder.ok_or_else(|| Failed::new(ExitCode::Failed, "there is no folder for the units: HOME is not set"))?;
    let written = fs::create_dir_all(&folder)
        .and_then(|()| units.iter().try_for_each(|unit| fs::write(folder.join(&unit.name), &unit.text)));
    written.map_err(|error| {
        Failed::new(ExitCode::Output, format!("cannot write units into {}: {error}", folder.display()))
    })?;
    let gone = remove_others(&folder, units, made);
    let user = if is_root { "" } else { " --user" };
    let timers: Vec<_> = units.iter().map(|unit| unit.name.as_str()).filter(|name| name.ends_with(".timer")).collect();
    session.renderer.result(&format!(
        "{gone}{} units are in {}; start the timers:\n  systemctl{user} daemon-reload\n  systemctl{user} enable --now {}",
        units.len(),
        folder.display(),
        timers.join(" ")
    ));
    Ok(ExitCode::Ok)
}

/// Removes the units that this configuration had before and has no more; says how to stop their timers.
fn remove_others(folder: &Path, units: &[Unit], made: &str) -> String {
    let mut said = String::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_ours = || fs::read_to_string(entry.path()).is_ok_and(|text| text.lines().next() == Some(made));
        if !name.starts_with("bahub-") || units.iter().any(|unit| unit.name == name) || !is_ours() {
            continue;
        }
        if fs::remove_file(entry.path()).is_ok() {
            said.push_str(&format!(
                "{name} is removed, because its backup has no schedule any more: systemctl stop {name}\n"
            ));
        }
    }
    said
}
