//! Makes a backup and restores it into another folder, without a configuration file:
//! `without-yaml DATA STORE PRIVATE_KEY PUBLIC_KEY TO`, each of them a path.

use std::error::Error;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bahub_adapters::filesystem::{Filesystem, FilesystemConfig};
use bahub_agent::InProcess;
use bahub_core::engine::{BackupOptions, Engine, RestoreOptions};
use bahub_core::keys::{EncryptionSpec, KeySource};
use bahub_core::plan::Plan;
use bahub_core::registry::{Component, SinkContext, SpecError};
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_crypto::OpenPgpKeys;
use bahub_sinks::store::{Directory, DirectoryConfig};
use bahub_transports::sh::Sh;

/// What a configuration would contain. Add passphrases and tokens to the scrubber as well: `Plan::builder(…).scrubber(scrubber)`.
fn plan(data: &Path, store: &Path, private_key: PathBuf, public_key: PathBuf) -> Result<Plan, Vec<SpecError>> {
    let files = FilesystemConfig::new([data.display().to_string()]);
    let versions = DirectoryConfig::new(format!("file://{}", store.display()));
    // The folder is the base of relative paths of the sink.
    let context = SinkContext::new("files", "/");
    let adapter = Arc::new(Filesystem::from_config(files, &())?);
    let sink = Arc::new(Directory::from_config(versions, &context)?);
    let keys = EncryptionSpec::new("my key")
        .with_private_key(KeySource::file(private_key))
        .with_public_key(KeySource::file(public_key));
    Ok(Plan::builder("files", adapter, Arc::new(Sh), sink, keys).build())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let paths = std::env::args_os().skip(1).map(PathBuf::from).collect::<Vec<_>>();
    let [data, store, private_key, public_key, to] =
        <[PathBuf; 5]>::try_from(paths).map_err(|_| "usage: without-yaml DATA STORE PRIVATE_KEY PUBLIC_KEY TO")?;
    let plan = plan(&data, &store, private_key, public_key).map_err(|wrong| format!("{wrong:?}"))?;

    // A store that agents do not access directly needs no agent sinks.
    let engine = Engine::new(Arc::new(OpenPgpKeys), Arc::new(InProcess::default()));
    // In its own task: it continues while this one does something else.
    let run = tokio::spawn({
        let (engine, plan) = (engine.clone(), plan.clone());
        async move { engine.backup(&plan, &BackupOptions::default()).await }
    });
    let made = run.await?.into_result()?;
    let target = ReplayTarget::at(RestoreTarget::Directory(to));
    let restored = engine.restore(&plan, &RestoreOptions::default().to(target)).await.into_result()?;

    for report in [made, restored] {
        let version = report.version.map(|version| version.to_string()).unwrap_or_default();
        let _ = writeln!(stdout(), "{} of {}: {version}", report.operation, report.backup);
    }
    Ok(())
}
