//! Units of systemd for a backup with a schedule: a service, and the timer that starts it.

use std::path::{Path, PathBuf};

use bahub_core::config::ScheduledBackup;
use bahub_core::schedule::Schedule;

/// The first line of every unit of these configuration files, by which those of backups that are gone are found.
pub(crate) fn made_for(files: &[PathBuf]) -> String {
    let files: Vec<_> = files.iter().map(|file| format!("{file:?}")).collect();
    format!("# Made by bahub :schedule:systemd for {}", files.join(" "))
}

/// A file of systemd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// The days of the week as cron counts them.
const WEEKDAYS: [&str; 8] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The two units of a backup.
///
/// # Errors
/// If systemd's calendar events (systemd.time(7)) cannot say what the schedule says.
pub(crate) fn units(
    scheduled: &ScheduledBackup,
    program: &Path,
    files: &[PathBuf],
    state_dir: Option<&Path>,
) -> Result<[Unit; 2], String> {
    let backup = &scheduled.backup;
    let calendar = calendar(&scheduled.schedule)
        .map_err(|reason| format!("the schedule of {backup} cannot be a timer of systemd: {reason}"))?;
    let name = format!("bahub-{}", unit_name(backup));
    let made = made_for(files);
    let option = |name: &str, path: &Path| format!(" --{name} {}", quoted(&path.display().to_string()));
    let files = files.iter().map(|file| option("config", file));
    let config: String = files.chain(state_dir.map(|folder| option("state-dir", folder))).collect();
    let persistent = scheduled.catch_up_within.is_some();
    let jitter = scheduled.jitter.as_secs();
    let delay =
        if jitter > 0 { format!("RandomizedDelaySec={jitter}\nFixedRandomDelay=true\n") } else { String::new() };
    let events: String = calendar.iter().map(|event| format!("OnCalendar={event}\n")).collect();
    let description = backup.replace('%', "%%");
    Ok([
        Unit {
            name: format!("{name}.service"),
            text: format!(
                "{made}\n[Unit]\nDescription=Backup of {description}\nWants=network-online.target\nAfter=network-online.target\n\n\
                 [Service]\nType=oneshot\nExecStart={}{config} :backup:make --quiet -- {}\n",
                quoted(&program.display().to_string()),
                quoted(backup)
            ),
        },
        Unit {
            name: format!("{name}.timer"),
            text: format!(
                "{made}\n[Unit]\nDescription=Backup of {description} ({})\n\n[Timer]\n{events}AccuracySec=1s\n{delay}Persistent={persistent}\n\n\
                 [Install]\nWantedBy=timers.target\n",
                scheduled.schedule.text().replace('%', "%%")
            ),
        },
    ])
}

/// A word of a command line (systemd.service(5)).
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{escaped}\"")
}

/// What a unit's name may have; other characters as systemd-escape(1) writes them.
fn unit_name(backup: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    backup
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("\\x{byte:02x}") })
        .collect()
}

/// The calendar events that together are the schedule. Where days of the month and of the week are both given, either counts.
fn calendar(schedule: &Schedule) -> Result<Vec<String>, String> {
    let fields: Vec<_> = schedule.fields().split_whitespace().collect();
    let [minutes, hours, days, months, weekdays] = fields[..] else { return Err("it has not five fields".into()) };
    let time = format!("{}:{}:00", list(hours, 0, number)?, list(minutes, 0, number)?);
    let months = list(months, 1, month)?;
    let zone = schedule.zone().iana_name().map(|name| format!(" {name}")).unwrap_or_default();
    let event = |weekdays: &str, days: &str| format!("{weekdays}*-{months}-{days} {time}{zone}");
    let named = |weekdays: &str| week(weekdays).map(|days| format!("{days} "));
    Ok(match (days.starts_with('*'), weekdays.starts_with('*')) {
        (_, true) if weekdays == "*" => vec![event("", &list(days, 1, number)?)],
        (true, _) => vec![event(&named(weekdays)?, &list(days, 1, number)?)],
        (false, true) => vec![event(&named(weekdays)?, &list(days, 1, number)?)],
        (false, false) => vec![event("", &list(days, 1, number)?), event(&named(weekdays)?, "*")],
    })
}

/// A field in the words of systemd: `*/15` is `0/15`, `1-5` is `1..5`.
fn list(field: &str, first: u8, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let unknown = || format!("systemd has no \"{field}\"");
    let part = |part: &str| -> Option<String> {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step = match step {
            Some(step) => format!("/{}", step.parse::<u8>().ok()?),
            None => String::new(),
        };
        Some(match range.split_once('-') {
            Some((from, to)) => format!("{}..{}{step}", value(from)?, value(to)?),
            // A step has to follow a number.
            None if range == "*" && !step.is_empty() => format!("{first}{step}"),
            None if range == "*" => "*".to_owned(),
            None => format!("{}{step}", value(range)?),
        })
    };
    let parts: Option<Vec<_>> = field.split(',').map(part).collect();
    Ok(parts.ok_or_else(unknown)?.join(","))
}

fn number(text: &str) -> Option<String> {
    text.parse::<u8>().ok().map(|number| number.to_string())
}

fn month(text: &str) -> Option<String> {
    let named = MONTHS.iter().position(|month| text.eq_ignore_ascii_case(month)).map(|at| at + 1);
    named.map(|month| month.to_string()).or_else(|| number(text))
}

/// Days of the week, each by name: systemd has no steps for them.
fn week(field: &str) -> Result<String, String> {
    let unknown = || format!("systemd has no \"{field}\"");
    let day = |text: &str| -> Option<usize> {
        text.parse()
            .ok()
            .filter(|day| *day < WEEKDAYS.len())
            .or_else(|| WEEKDAYS.iter().position(|day| text.eq_ignore_ascii_case(day)))
    };
    let mut days = Vec::new();
    for part in field.split(',') {
        let (range, step) =
            part.split_once('/').map_or((part, Some(1)), |(range, step)| (range, step.parse::<usize>().ok()));
        let step = step.filter(|step| *step > 0).ok_or_else(unknown)?;
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (day(from), day(to)),
            None if range == "*" => (Some(0), Some(6)),
            None => (day(range), day(range)),
        };
        let (from, to) = (from.ok_or_else(unknown)?, to.ok_or_else(unknown)?);
        days.extend((from..=to).step_by(step).map(|day| WEEKDAYS[day]));
    }
    days.dedup();
    Ok(days.join(","))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn scheduled(text: &str) -> ScheduledBackup {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        ScheduledBackup::new("my db", Schedule::parse(text, "a", zone).unwrap())
    }

    #[test]
    fn a_schedule_is_a_calendar_event_or_two() {
        for (text, events) in [
            ("@daily", &["*-*-* 0:0:00 Europe/Berlin"][..]),
            ("*/15 1-5 * * *", &["*-*-* 1..5:0/15:00 Europe/Berlin"]),
            ("30 3 * * 1-5", &["Mon,Tue,Wed,Thu,Fri *-*-* 3:30:00 Europe/Berlin"]),
            ("0 4 1,15 jan *", &["*-1-1,15 4:0:00 Europe/Berlin"]),
            ("0 4 1 * sun", &["*-*-1 4:0:00 Europe/Berlin", "Sun *-*-* 4:0:00 Europe/Berlin"]),
        ] {
            assert_eq!(calendar(&scheduled(text).schedule).unwrap(), events, "{text}");
        }
        assert!(calendar(&scheduled("0 4 L * *").schedule).is_err());
    }

    #[test]
    fn names_and_paths_are_quoted() {
        let [service, timer] =
            units(&scheduled("@daily"), Path::new("/opt/a b/bahub"), &["/etc/100%.yaml".into()], None).unwrap();
        assert_eq!((service.name.as_str(), timer.name.as_str()), ("bahub-my\\x20db.service", "bahub-my\\x20db.timer"));
        let start = "ExecStart=\"/opt/a b/bahub\" --config \"/etc/100%%.yaml\" :backup:make --quiet -- \"my db\"\n";
        assert!(service.text.contains(start), "{}", service.text);
        assert!(timer.text.contains("Persistent=true\n"), "{}", timer.text);
    }
}
