//! `:backup:list NAME`

use super::{Failed, Session};

pub(super) async fn run(session: &Session<'_>, name: &str) -> Result<u8, Failed> {
    let plan = session.plan(name, None)?;
    let versions = session.engine.list(&plan).await?;
    session.renderer.versions(name, &versions);
    Ok(0)
}
