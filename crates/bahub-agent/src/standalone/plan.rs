//! The options as a plan for bahub's engine.

use std::sync::Arc;

use bahub_core::compression::{Algorithm, Compression};
use bahub_core::keys::{EncryptionSpec, KeySource};
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
    let adapter = Arc::new(adapter(&options.action));
    let sink = Arc::new(sink(options)?);
    let plan = Plan::builder(&options.collection, adapter, Arc::new(ThisHost), sink, encryption(&options.action))
        .adapter_type(ADAPTER)
        .transport_name("this host")
        .compression(Compression::new(Algorithm::None))
        .scrubber(scrubber);
    Ok(plan.build())
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
    let mut config = RepositoryConfig::new(&options.url);
    config.token = Some(options.token.clone());
    config.stall_timeout = stall.into();
    config.answer_timeout = answer.into();
    let context = SinkContext::new(&options.collection, ".");
    Repository::from_config(config, &context).map_err(|errors| {
        let messages = errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>();
        usage(messages.join("; "))
    })
}

fn encryption(action: &Action) -> EncryptionSpec {
    let spec = EncryptionSpec::new("the options");
    let private = match action {
        Action::Make(make) => {
            let spec = spec.with_public_key(KeySource::file(&make.key));
            return match &make.recipient {
                Some(Recipient::Address(address)) => spec.with_email(address),
                Some(Recipient::Fingerprint(end)) => spec.with_fingerprint(end),
                None => spec,
            };
        }
        Action::Restore(restore) => Some(&restore.key),
        Action::Download(download) => download.key.as_ref(),
    };
    match private {
        Some(PrivateKey { path, passphrase }) => {
            let spec = spec.with_private_key(KeySource::file(path));
            passphrase.iter().cloned().fold(spec, EncryptionSpec::with_passphrase)
        }
        None => spec,
    }
}
