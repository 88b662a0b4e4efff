//! `:config:check`, `:config:schema`, `:config:show`

use bahub_core::config;
use bahub_core::engine::RunError;
use bahub_core::keys::Keys;
use bahub_crypto::OpenPgpKeys;

use super::{Failed, Session};

pub(super) fn check(session: &Session<'_>, name: Option<&str>) -> Result<u8, Failed> {
    let notices = session.check(name)?;
    let configuration = session.configuration()?;
    for backup in name.map_or_else(|| configuration.backup_names(), |name| vec![name]) {
        OpenPgpKeys.recipients(&configuration.encryption_of(backup)?).map_err(RunError::from)?;
    }
    if session.renderer.is_json() {
        session.renderer.text(&serde_json::json!({ "event": "checked", "notices": notices }).to_string());
        return Ok(0);
    }
    for notice in &notices {
        session.renderer.notice(&format!("notice: {notice}"));
    }
    session.renderer.text("the configuration is good");
    Ok(0)
}

pub(super) fn schema(session: &Session<'_>) -> Result<u8, Failed> {
    let schema = config::schema(&session.registry);
    session.renderer.text(&format!("{schema:#}"));
    Ok(0)
}

pub(super) fn show(session: &Session<'_>, name: &str) -> Result<u8, Failed> {
    let plan = session.plan(name, None)?;
    session.renderer.text(&plan.scrubber.scrub(&format!("{plan:#?}")));
    Ok(0)
}
