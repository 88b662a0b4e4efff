//! `:recover [NAME]`

use bahub_core::engine::{RecoverOptions, RunControl};

use super::{Failed, Session};

/// The exit code of a run that a signal ended.
const CANCELLED: u8 = 130;

/// Recovers every place that the configuration names; a place that cannot be looked at does not stop the others.
pub(super) async fn run(session: &Session<'_>, name: Option<&str>) -> Result<u8, Failed> {
    let configuration = session.configuration()?;
    let names = name.map_or_else(|| configuration.backup_names(), |name| vec![name]);
    let mut worst = 0;
    for name in names {
        let code = match configuration.plan(name) {
            Ok(plan) => {
                let control = RunControl::default();
                let options = RecoverOptions::default().controlled_by(&control);
                session.guarded(&control, session.engine.recover(&plan, &options)).await?
            }
            Err(errors) => {
                let failed = Failed::from(errors);
                session.renderer.not_recovered(name);
                session.renderer.failed(&failed);
                failed.code
            }
        };
        worst = worst.max(code);
        if code == CANCELLED {
            break;
        }
    }
    Ok(worst)
}
