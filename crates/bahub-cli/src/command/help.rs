//! `:help:info`, `:help:transport:example`, `:help:backup:schema`, ...

use bahub_core::exit::ExitCode;
use bahub_core::registry::{Entry, Kind, Registry, Unregistered};

use super::session::Session;
use crate::args::{Describe, HelpTopic};
use crate::failed::Failed;

pub(super) fn run(session: &Session, topic: Option<HelpTopic>) -> Result<ExitCode, Failed> {
    let registry = &session.registry;
    let text = match topic {
        None | Some(HelpTopic::Info) => info(session),
        Some(HelpTopic::Exitcodes) => exit_codes(),
        Some(HelpTopic::Transport(what)) => describe(&what, |name| registry.transport(name))?,
        Some(HelpTopic::Backup(what)) => describe(&what, |name| registry.adapter(name))?,
        Some(HelpTopic::Access(what)) => describe(&what, |name| registry.sink(name))?,
        Some(HelpTopic::Notifier(what)) => describe(&what, |name| registry.notifier(name))?,
    };
    session.renderer.product(&text)?;
    Ok(ExitCode::Ok)
}

fn describe<'a, T: ?Sized + 'a, C: 'a>(
    what: &Describe,
    find: impl FnOnce(&str) -> Result<&'a Entry<T, C>, Unregistered>,
) -> Result<String, Failed> {
    let (Describe::Example { r#type: name } | Describe::Schema { r#type: name }) = what;
    let entry = find(name).map_err(|unregistered| match unregistered {
        Unregistered::Absent(absent) => Failed::new(ExitCode::Usage, format!("{name} is not part of this build"))
            .with_help(format!("it comes with {}", absent.brought_by)),
        Unregistered::Unknown { known } => Failed::new(ExitCode::Usage, format!("unknown component type \"{name}\""))
            .with_help(format!("known types: {}", known.join(", "))),
    })?;
    Ok(match what {
        Describe::Example { .. } => entry.example.trim_matches('\n').to_owned(),
        Describe::Schema { .. } => format!("{:#}", entry.schema()),
    })
}

fn info(session: &Session) -> String {
    let (registry, program) = (&session.registry, &session.program);
    let mut text = format!("{} {}\n", program.name, program.version);
    section(&mut text, "Adapters: what can be backed up", registry.adapters(), registry, Kind::Adapter);
    section(&mut text, "Transports: where commands run", registry.transports(), registry, Kind::Transport);
    section(&mut text, "Sinks: where versions are stored", registry.sinks(), registry, Kind::Sink);
    section(&mut text, "Notifiers: where notifications go", registry.notifiers(), registry, Kind::Notifier);
    let name = &program.name;
    text.push_str(&format!(
        "\nExamples: {name} :help:backup:example TYPE, :help:transport:example TYPE, :help:access:example TYPE,\n\
         {name} :help:notifier:example TYPE\n\
         Exit codes: {name} :help:exitcodes\n"
    ));
    text
}

fn section<'a, T: ?Sized + 'a, C: 'a>(
    text: &mut String,
    title: &str,
    entries: impl Iterator<Item = &'a Entry<T, C>>,
    registry: &Registry,
    kind: Kind,
) {
    text.push_str(&format!("\n{title}\n"));
    for entry in entries {
        text.push_str(&format!("  {}\n      {}\n", entry.type_name, entry.summary));
        if !entry.aliases.is_empty() {
            text.push_str(&format!("      also: {}\n", entry.aliases.join(", ")));
        }
    }
    for absent in registry.absent(kind) {
        text.push_str(&format!("  {} (not in this build: {})\n", absent.type_name, absent.brought_by));
    }
}

fn exit_codes() -> String {
    ExitCode::ALL.iter().map(|exit| format!("{:>3}  {:<12} {}\n", exit.code(), exit.name(), exit.meaning())).collect()
}
