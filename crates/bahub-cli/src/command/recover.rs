//! `:recover [NAME]`

use bahub_core::config::Configuration;
use bahub_core::engine::{RecoverOptions, RunControl};
use bahub_core::exit::ExitCode;

use super::session::Session;
use crate::failed::Failed;
use crate::signals;
use crate::terminal::PATIENCE;

/// Recovers every target that the configuration names; one that cannot be reached does not stop the others.
pub(super) async fn run(session: &Session, name: Option<&str>) -> Result<ExitCode, Failed> {
    let configuration = session.configuration()?;
    let names = name.map_or_else(|| configuration.backup_names(), |name| vec![name]);
    let control = RunControl::default();
    // One guard for all of them: a signal between two targets ends the command as well.
    let every = async {
        let mut worst = ExitCode::Ok;
        for name in names {
            if control.is_cancelled() {
                return worst.worse(ExitCode::Cancelled);
            }
            worst = worst.worse(recovered(session, &configuration, name, &control).await);
        }
        worst
    };
    Ok(signals::guard(&control, session.renderer.terminal(), every).await?)
}

async fn recovered(session: &Session, configuration: &Configuration, name: &str, control: &RunControl) -> ExitCode {
    match session.plan_of(configuration, name) {
        Ok(plan) => {
            let options = RecoverOptions::default().controlled_by(control);
            session.engine.recover(&plan, &options).await.exit(session.renderer.fails_on_warnings())
        }
        Err(errors) => {
            let failed = Failed::from(errors);
            // After the output of the targets before it.
            session.engine.observers().drain(PATIENCE);
            // A signal that came meanwhile is noticed here.
            tokio::task::yield_now().await;
            session.renderer.not_recovered(name);
            session.renderer.failed(&failed);
            failed.exit
        }
    }
}
