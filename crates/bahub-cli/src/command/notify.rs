//! `:notify:test [NOTIFIER...]`

use bahub_core::exit::ExitCode;
use bahub_notifiers::Notifications;
use futures::future::join_all;

use super::session::Session;
use crate::failed::Failed;

pub(super) async fn test(session: &Session, names: &[String]) -> Result<ExitCode, Failed> {
    let configuration = session.configuration()?;
    let (mut notifiers, errors) = configuration.notifiers();
    for error in &errors {
        session.renderer.warning(&format!("a notifier cannot be used: {error}"));
    }
    if let Some(unknown) = names.iter().find(|name| !notifiers.iter().any(|notifier| notifier.name == **name)) {
        let known: Vec<_> = notifiers.iter().map(|notifier| notifier.name.as_str()).collect();
        let error = Failed::new(ExitCode::Config, format!("there is no notifier \"{unknown}\" that can be used"));
        return Err(error.with_help(format!("known: {}", known.join(", "))));
    }
    notifiers.retain(|notifier| names.is_empty() || names.contains(&notifier.name));
    if notifiers.is_empty() && errors.is_empty() {
        return Err(Failed::new(ExitCode::Config, "the configuration has no notifiers"));
    }
    notifiers.iter().for_each(|notifier| session.renderer.terminal().learn(&notifier.scrubber));
    let all = join_all(notifiers.iter().map(Notifications::test)).await;
    let mut exit = if errors.is_empty() { ExitCode::Ok } else { ExitCode::Failed };
    for (notifier, sent) in notifiers.iter().zip(all) {
        if sent.is_err() {
            exit = ExitCode::Failed;
        }
        session.renderer.tested(&notifier.name, sent.as_ref().err().map(String::as_str));
    }
    Ok(exit)
}
