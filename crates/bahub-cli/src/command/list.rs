//! `:backup:list NAME`

use bahub_core::exit::ExitCode;

use super::session::Session;
use crate::failed::Failed;

pub(super) async fn run(session: &Session, name: &str) -> Result<ExitCode, Failed> {
    let plan = session.plan(name, None)?;
    let versions = session.engine.list(&plan).await?;
    session.renderer.versions(name, &versions)?;
    Ok(ExitCode::Ok)
}
