//! `:config:check`, `:config:schema`, `:config:show`

use std::collections::BTreeSet;

use bahub_core::config;
use bahub_core::engine::RunError;
use bahub_core::exit::ExitCode;
use bahub_notifiers::Notifications;

use super::session::Session;
use crate::failed::Failed;

pub(super) fn check(session: &Session, name: Option<&str>) -> Result<ExitCode, Failed> {
    let notices = session.check(name)?;
    let configuration = session.configuration()?;
    for notifier in configuration.notifiers().0 {
        Notifications::check(&notifier).map_err(|error| Failed::new(ExitCode::Config, error.to_string()))?;
    }
    let mut checked = BTreeSet::new();
    for backup in name.map_or_else(|| configuration.backup_names(), |name| vec![name]) {
        let encryption = configuration.encryption_of(backup)?;
        if checked.insert(encryption.name.clone()) {
            session.keys.recipients(&encryption).map_err(RunError::from)?;
        }
    }
    if session.renderer.is_json() {
        session.renderer.result(&serde_json::json!({ "event": "checked", "notices": notices }).to_string());
        return Ok(ExitCode::Ok);
    }
    for notice in &notices {
        session.renderer.notice(notice);
    }
    session.renderer.result("the configuration is valid");
    Ok(ExitCode::Ok)
}

pub(super) fn schema(session: &Session) -> Result<ExitCode, Failed> {
    let schema = config::schema(&session.registry);
    session.renderer.product(&format!("{schema:#}"))?;
    Ok(ExitCode::Ok)
}

pub(super) fn show(session: &Session, name: &str) -> Result<ExitCode, Failed> {
    let shown = session.configuration()?.shown(name)?;
    let yaml = serde_yaml::to_string(&shown)
        .map_err(|error| Failed::new(ExitCode::Internal, format!("cannot write the plan as YAML: {error}")))?;
    session.renderer.product(&yaml)?;
    Ok(ExitCode::Ok)
}
