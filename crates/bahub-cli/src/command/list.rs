//! `:backup:list [NAME...]`

use bahub_core::exit::ExitCode;
use futures::StreamExt;

use super::session::Session;
use crate::args::Listed;
use crate::failed::Failed;
use crate::render::Newest;

/// How many stores are asked at a time.
const AT_ONCE: usize = 8;

pub(super) async fn run(session: &Session, listed: &Listed) -> Result<ExitCode, Failed> {
    if let ([name], []) = (listed.names.as_slice(), listed.tag.as_slice()) {
        let plan = session.plan(name, None)?;
        let versions = session.engine.list(&plan).await?;
        session.renderer.versions(name, &versions)?;
        return Ok(ExitCode::Ok);
    }
    overview(session, listed).await
}

/// The newest version of each backup. One whose store cannot be asked hides none of the others.
async fn overview(session: &Session, listed: &Listed) -> Result<ExitCode, Failed> {
    let configuration = session.configuration()?;
    let names = listed.chosen().names(&configuration)?;
    let one = async |name: &String| {
        let versions = match session.plan_of(&configuration, name) {
            Ok(plan) => session.engine.list(&plan).await.map_err(Failed::from),
            Err(errors) => Err(Failed::from(errors)),
        };
        Newest {
            backup: name.clone(),
            version: versions.map(|versions| versions.into_iter().max_by_key(|version| version.number)),
        }
    };
    let newest: Vec<_> = futures::stream::iter(&names).map(one).buffered(AT_ONCE).collect().await;
    session.renderer.newest(&newest)?;
    let exits = newest.iter().filter_map(|newest| Some(newest.version.as_ref().err()?.exit));
    Ok(exits.fold(ExitCode::Ok, ExitCode::worse))
}
