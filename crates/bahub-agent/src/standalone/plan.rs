//! The options as a plan for bahub's engine.

use std::sync::Arc;

use bahub_core::compression::{Algorithm, Compression};
use bahub_core::keys::EncryptionSpec;
use bahub_core::plan::Plan;
use bahub_core::registry::{Component, SinkContext};
use bahub_core::secret::Scrubber;
use bahub_sinks::repository::{Repository, RepositoryConfig};

use super::adapter::ShellCommand;
use super::error::{Error, usage};
use super::options::{Action, Options, PrivateKey, Recipient};
use super::transport::ThisHost;

/// The adapter's type, where a store keeps that.
const ADAPTER: &str = "backup-maker";

/// The seconds that the server may take where none are given: the sink's own.
const PATIENCE: (u32, u32) = (60, 180);

/// Composes the plan; nothing is read or sent yet.
pub(super) fn compose(options: &Options, scrubber: Scrubber) -> Result<Plan, Error> {
    Ok(Plan {
        name: options.collection.clone(),
        adapter_type: ADAPTER.into(),
        adapter: Arc::new(adapter(&options.action)),
        transport_name: "this host".into(),
        transport: Arc::new(ThisHost),
        sink: Arc::new(sink(options)?),
        encryption: EncryptionSpec { name: "the options".into(), ..encryption(&options.action) },
        compression: Compression::new(Algorithm::None),
        relay: None,
        timeout: None,
        scrubber,
        notices: Vec::new(),
    })
}

fn adapter(action: &Action) -> ShellCommand {
    match action {
        Action::Make(make) => ShellCommand::new(make.command.clone()),
        Action::Restore(restore) => ShellCommand::new(restore.command.clone()),
        Action::Download(_) => ShellCommand::none(),
    }
}

fn sink(options: &Options) -> Result<Repository, Error> {
    let (stall, answer) = options.timeout.map_or(PATIENCE, |seconds| (seconds, seconds));
    let config = RepositoryConfig {
        url: options.url.clone(),
        token: Some(options.token.clone()),
        username: None,
        password: None,
        ca_file: None,
        stall_timeout: stall.into(),
        answer_timeout: answer.into(),
    };
    let context = SinkContext { collection: options.collection.clone(), folder: ".".into() };
    Repository::from_config(config, &context).map_err(|errors| {
        let messages = errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>();
        usage(messages.join("; "))
    })
}

fn encryption(action: &Action) -> EncryptionSpec {
    let private = match action {
        Action::Make(make) => {
            let (email, fingerprint) = match &make.recipient {
                Some(Recipient::Address(address)) => (Some(address.clone()), None),
                Some(Recipient::Fingerprint(end)) => (None, Some(end.clone())),
                None => (None, None),
            };
            let public_key_path = Some(make.key.clone());
            return EncryptionSpec { public_key_path, email, fingerprint, ..EncryptionSpec::default() };
        }
        Action::Restore(restore) => Some(&restore.key),
        Action::Download(download) => download.key.as_ref(),
    };
    match private {
        Some(PrivateKey { path, passphrase }) => EncryptionSpec {
            private_key_path: Some(path.clone()),
            passphrase: passphrase.clone(),
            ..EncryptionSpec::default()
        },
        None => EncryptionSpec::default(),
    }
}
