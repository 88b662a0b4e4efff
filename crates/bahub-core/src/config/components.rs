//! Finds the components that a backup names in the registry, and builds them.

use std::sync::Arc;

use serde_json::Value;

use super::error::ConfigErrorKind;
use super::finding::Finding;
use super::lookup::{Lookup, Used};
use super::structure::{Section, scheme};
use super::suggest;
use super::tree::tokens;
use crate::adapter::Adapter;
use crate::notifier::Notifier;
use crate::registry::{Kind, SinkContext, SpecError, Unregistered};
use crate::sink::Sink;
use crate::transport::Transport;

/// Builds the adapter of a backup; returns its type too.
pub(super) fn adapter(lookup: &mut Lookup<'_>, backup: &Used) -> Option<(String, Arc<dyn Adapter>)> {
    let type_name = backup.value.pointer("/meta/type")?.as_str()?;
    let entry = match lookup.loaded.registry.adapter(type_name) {
        Ok(entry) => entry,
        Err(why) => {
            let pointer = format!("{}/meta/type", backup.pointer);
            lookup.findings.push(unregistered(Kind::Adapter, type_name, &pointer, &why));
            return None;
        }
    };
    if !backup.sound {
        return None;
    }
    let built = entry.build(spec(backup), &());
    let built = said(lookup, &format!("{}/spec", backup.pointer), built)?;
    Some((entry.type_name.to_owned(), built))
}

/// Builds the transport of this name.
pub(super) fn transport(lookup: &mut Lookup<'_>, name: &str) -> Option<Arc<dyn Transport>> {
    let used = transport_type(lookup, name).filter(|used| used.sound)?;
    let entry = lookup.loaded.registry.transport(used.value.get("type")?.as_str()?).ok()?;
    let built = entry.build(spec(&used), &());
    said(lookup, &format!("{}/spec", used.pointer), built)
}

/// Checks a transport and looks its type up.
pub(super) fn transport_type(lookup: &mut Lookup<'_>, name: &str) -> Option<Used> {
    let used = lookup.used(Section::Transports, name)?;
    let type_name = used.value.get("type")?.as_str()?;
    match lookup.loaded.registry.transport(type_name) {
        Ok(_) => Some(used),
        Err(why) => {
            let pointer = format!("{}/type", used.pointer);
            lookup.findings.push(unregistered(Kind::Transport, type_name, &pointer, &why));
            None
        }
    }
}

/// Builds the sink of an access for a collection.
pub(super) fn sink(lookup: &mut Lookup<'_>, name: &str, collection: &str) -> Option<Arc<dyn Sink>> {
    let (used, key) = sink_type(lookup, name).filter(|(used, _)| used.sound)?;
    let context =
        SinkContext { collection: collection.to_owned(), folder: lookup.loaded.sources.folder(&used.pointer) };
    let mut config = used.value;
    if let Some(config) = config.as_object_mut() {
        config.remove("type");
    }
    let built = lookup.loaded.registry.sink(&key).ok()?.build(config, &context);
    said(lookup, &used.pointer, built)
}

/// Checks an access and looks its kind of store up, by `type` or by the scheme of its `url`.
pub(super) fn sink_type(lookup: &mut Lookup<'_>, name: &str) -> Option<(Used, String)> {
    let used = lookup.used(Section::Accesses, name)?;
    if let Some(type_name) = used.value.get("type").and_then(Value::as_str) {
        let type_name = type_name.to_owned();
        return match lookup.loaded.registry.sink(&type_name) {
            Ok(_) => Some((used, type_name)),
            Err(why) => {
                let pointer = format!("{}/type", used.pointer);
                lookup.findings.push(unregistered(Kind::Sink, &type_name, &pointer, &why));
                None
            }
        };
    }
    let url = used.value.get("url").filter(|_| used.sound)?;
    let pointer = format!("{}/url", used.pointer);
    let Some(scheme) = url.as_str().and_then(scheme) else {
        let finding = Finding::new(ConfigErrorKind::WrongValue, pointer, "\"url\" must be a URL");
        lookup.findings.push(finding.help(format!("begin it with one of: {}", schemes(lookup))));
        return None;
    };
    match lookup.loaded.registry.sink(&scheme) {
        Ok(_) => Some((used, scheme)),
        Err(why) => {
            lookup.findings.push(unknown_scheme(&scheme, &pointer, &why, &schemes(lookup)));
            None
        }
    }
}

fn spec(used: &Used) -> Value {
    used.value.get("spec").cloned().unwrap_or_default()
}

/// Builds the notifier of this name; returns its entry too.
pub(super) fn notifier(lookup: &mut Lookup<'_>, name: &str) -> Option<(Used, Arc<dyn Notifier>)> {
    let used = lookup.used(Section::Notifiers, name)?;
    let type_name = used.value.get("type")?.as_str()?;
    let entry = match lookup.loaded.registry.notifier(type_name) {
        Ok(entry) => entry,
        Err(why) => {
            let pointer = format!("{}/type", used.pointer);
            lookup.findings.push(unregistered(Kind::Notifier, type_name, &pointer, &why));
            return None;
        }
    };
    if !used.sound {
        return None;
    }
    let built = entry.build(spec(&used), &());
    let built = said(lookup, &format!("{}/spec", used.pointer), built)?;
    Some((used, built))
}

/// Reports a component's errors, each at its place.
fn said<T>(lookup: &mut Lookup<'_>, pointer: &str, built: Result<T, Vec<SpecError>>) -> Option<T> {
    let errors = match built {
        Ok(built) => return Some(built),
        Err(errors) => errors,
    };
    for error in errors {
        let at = format!("{pointer}{}", if error.pointer.starts_with('/') { &error.pointer } else { "" });
        let mut finding = Finding::new(ConfigErrorKind::Component, at, error.message);
        finding.help = error.help;
        lookup.findings.push(finding);
    }
    None
}

fn schemes(lookup: &Lookup<'_>) -> String {
    let schemes = lookup.loaded.registry.sinks().flat_map(|sink| sink.aliases.iter());
    schemes.map(|scheme| format!("{scheme}://")).collect::<Vec<_>>().join(", ")
}

fn unknown_scheme(scheme: &str, pointer: &str, why: &Unregistered, schemes: &str) -> Finding {
    match why {
        Unregistered::Absent(absent) => {
            let message = format!("this build has no store for {scheme}:// URLs");
            let finding = Finding::new(ConfigErrorKind::AbsentType, pointer, message);
            finding.help(format!("\"{}\" does, which comes with: {}", absent.type_name, absent.brought_by))
        }
        Unregistered::Unknown { known } => {
            let near = suggest::near(scheme, known.iter().copied()).map(|name| format!("did you mean \"{name}\"? "));
            let message = format!("there is no store for {scheme}:// URLs");
            let finding = Finding::new(ConfigErrorKind::UnknownType, pointer, message);
            finding.help(format!("{}known: {schemes}", near.unwrap_or_default()))
        }
    }
    .on_word(scheme)
}

fn unregistered(kind: Kind, type_name: &str, pointer: &str, why: &Unregistered) -> Finding {
    debug_assert!(tokens(pointer).last().as_deref() == Some("type"), "a type is told at its key");
    match why {
        Unregistered::Absent(absent) => {
            let message = format!("this build does not include the {kind} \"{type_name}\"");
            Finding::new(ConfigErrorKind::AbsentType, pointer, message)
                .help(format!("it comes with: {}", absent.brought_by))
        }
        Unregistered::Unknown { known } => {
            let message = format!("unknown {kind} \"{type_name}\"");
            let help = suggest::help(type_name, &format!("known {kind}s"), known.iter().copied());
            Finding::new(ConfigErrorKind::UnknownType, pointer, message).help(help)
        }
    }
}
