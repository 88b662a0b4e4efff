//! `make`: a command's output, as a new version.

use bahub_core::capture::Capture;
use bahub_core::compression::{Algorithm, Compression};
use bahub_core::keys::{EncryptionSpec, Keys, MessageFormat, Recipient as Key};
use bahub_core::link::{CaptureJob, Done, Job, Route, ToAgent};
use bahub_core::sink::{AgentSink, NewVersion, Purpose, Receipt, Sink};
use bahub_crypto::OpenPgpKeys;

use super::agent::{Agent, Said};
use super::options::{Make, Recipient};
use super::trouble::{Exit, Trouble, nonsense};
use super::{Run, shell, store};

/// What a version says that it was made by, where a store keeps that.
const ADAPTER: &str = "backup-maker";

impl Run<'_> {
    /// Runs the command and commits what it put out, if it ended with 0.
    pub(super) async fn make(&self, make: &Make) -> Result<(), Trouble> {
        let recipients = recipients(make)?;
        for key in &recipients {
            self.teller.debug(&format!("encrypting for {} {}", key.fingerprint, key.user_id.as_deref().unwrap_or("")));
        }
        let sink = store::open(self.options)?;
        let version = NewVersion {
            created: jiff::Timestamp::now(),
            adapter: ADAPTER.into(),
            compression: Algorithm::None.name().into(),
            recipients: recipients.iter().map(|key| key.fingerprint.clone()).collect(),
            bahub: env!("CARGO_PKG_VERSION").into(),
            instance: None,
        };
        let granted =
            self.unless_stopped(sink.delegate(Purpose::Upload(version.clone()))).await?.ok_or_else(nonsense)?;
        let job = CaptureJob {
            capture: Capture::of(shell::command(&make.command)),
            compression: Compression::new(Algorithm::None),
            recipients,
            format: MessageFormat::default(),
            encoding: sink.encoding(),
            route: Route::Direct { kind: granted.kind.clone(), endpoint: granted.endpoint.clone() },
            version,
            tools: Default::default(),
            census: None,
        };
        let (receipt, plain) = self.with_agent(async |agent| captured(agent, job, &granted).await).await?;
        if plain == 0 {
            self.teller.warn("the command wrote nothing: the version is empty");
        }
        receipt.warnings.iter().for_each(|warning| self.teller.warn(warning));
        let Receipt { version, size, location, .. } = receipt;
        self.teller.info(&format!("{version} is stored: {size} bytes, {plain} before encryption, {location}"));
        Ok(())
    }
}

/// The keys to encrypt for, usable now.
fn recipients(make: &Make) -> Result<Vec<Key>, Trouble> {
    let (email, fingerprint) = match &make.recipient {
        Some(Recipient::Address(address)) => (Some(address.clone()), None),
        Some(Recipient::Fingerprint(end)) => (None, Some(end.clone())),
        None => (None, None),
    };
    let spec = EncryptionSpec {
        name: "the options".into(),
        public_key_path: Some(make.key.clone()),
        email,
        fingerprint,
        ..Default::default()
    };
    Ok(OpenPgpKeys.recipients(&spec)?)
}

/// Has the agent capture and commit; gives its receipt, and the bytes that the command wrote.
async fn captured(agent: &mut Agent, job: CaptureJob, granted: &AgentSink) -> Result<(Receipt, u64), Trouble> {
    agent.begin(Job::Capture(Box::new(job)))?;
    let mut committing = false;
    loop {
        let said = match agent.next().await {
            // Nobody else can tell what became of it.
            Err(trouble) if committing && trouble.exit() == Exit::Agent => {
                let message = format!("it is unknown whether the version was committed: {trouble}");
                return Err(Trouble::new(Exit::Unknown, message));
            }
            said => said?,
        };
        match said {
            Said::Reached => agent.send(&ToAgent::Grant(granted.grant.clone()))?,
            Said::Begun => agent.send(&ToAgent::Go)?,
            Said::Stored => {
                committing = true;
                agent.send(&ToAgent::Commit)?;
            }
            Said::Done(Done::Captured { plain, receipt: Some(receipt), .. }) => return Ok((receipt, plain)),
            _ => return Err(nonsense()),
        }
    }
}
