//! `:recover [NAME]`

use bahub_core::engine::{RecoverOptions, RunControl};
use bahub_core::exit::ExitCode;

use super::session::Session;
use crate::failed::Failed;
use crate::terminal::PATIENCE;

/// Recovers every target that the configuration names; one that cannot be reached does not stop the others.
pub(super) async fn run(session: &Session, name: Option<&str>) -> Result<ExitCode, Failed> {
    let configuration = session.configuration()?;
    let names = name.map_or_else(|| configuration.backup_names(), |name| vec![name]);
    let mut worst = ExitCode::Ok;
    let control = RunControl::default();
    for name in names {
        let exit = match session.plan_of(&configuration, name) {
            Ok(plan) => {
                let options = RecoverOptions::default().controlled_by(&control);
                session.guarded(&control, session.engine.recover(&plan, &options)).await?
            }
            Err(errors) => {
                let failed = Failed::from(errors);
                // After the messages of those before it.
                session.engine.observers().drain(PATIENCE);
                session.renderer.not_recovered(name);
                session.renderer.failed(&failed);
                failed.exit
            }
        };
        worst = worst.worse(exit);
        if control.is_cancelled() {
            break;
        }
    }
    Ok(worst)
}
