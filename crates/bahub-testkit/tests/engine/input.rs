//! What programs read on their standard input.

use std::path::PathBuf;
use std::sync::Arc;

use bahub_core::adapter::{Adapter, AdapterCapability, Findings, Probe};
use bahub_core::capture::Capture;
use bahub_core::engine::{BackupOptions, RestoreOptions};
use bahub_core::replay::{Replay, ReplayTarget, RestoreTarget, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::secret::Secret;
use bahub_core::step::Step;
use bahub_testkit::conformance::{self, AdapterContext};
use bahub_testkit::fakes::MemorySink;
use bahub_testkit::fixtures::EngineRoom;

use super::support::{Everything, PATIENCE};

const PASSWORD: &str = "hunter22 of the input";

/// A program that prints the password that it reads on its output and on its standard error.
#[derive(Debug)]
struct Repeated {
    password: Secret,
    restored: PathBuf,
}

impl Adapter for Repeated {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        &[]
    }

    fn preflight(&self, _purpose: RunPurpose) -> Vec<Probe> {
        vec![Probe::check(Step::new("grep").args(["-q", "hunter22"]).reads_secret(self.password.clone()))]
    }

    fn capture(&self, _found: &Findings) -> Result<Capture, Unsupported> {
        Ok(Capture::of(Step::new("tee").arg("/dev/stderr").reads_secret(self.password.clone())))
    }

    fn replay(&self, target: &ReplayTarget, _: &Findings, _: &Stored) -> Result<Replay, Unsupported> {
        if target.location != RestoreTarget::Original || !target.members.is_empty() {
            let what = "all of it goes to where it was".to_owned();
            return Err(Unsupported { what, help: "restore all of it".into() });
        }
        let path = self.restored.as_os_str().as_encoded_bytes();
        Ok(Replay { main: vec![Step::new("tee").arg(path).reads_backup()], ..Replay::default() })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_on_standard_input_reaches_its_program_and_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let restored = folder.path().join("restored");
    let adapter = Arc::new(Repeated { password: Secret::new(PASSWORD), restored: restored.clone() });
    let room = EngineRoom::new();
    let plan = room.plan(Arc::<Repeated>::clone(&adapter), MemorySink::shared("input"));
    let everything = Everything::default();
    let engine = room.engine().clone().observed_by(everything.clone());
    engine.backup(&plan, &BackupOptions::default()).await.into_result().unwrap();
    engine.observers().drain(PATIENCE);
    let seen = everything.text();
    assert!(seen.contains("[redacted]") && !seen.contains(PASSWORD), "{seen}");

    room.restore(&plan, &RestoreOptions::default()).await.into_result().unwrap();
    assert_eq!(std::fs::read_to_string(restored).unwrap(), PASSWORD);

    let context = AdapterContext { secrets: vec![PASSWORD.into()], ..AdapterContext::default() };
    conformance::adapter(adapter.as_ref(), &context).assert_conforms();
}
