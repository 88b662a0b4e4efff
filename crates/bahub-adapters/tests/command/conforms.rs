//! The suites of the testkit.

use std::fs;
use std::sync::Arc;

use async_trait::async_trait;
use bahub_testkit::conformance::{self, AdapterContext, LiveData, RoundTrip, adapter_claim};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{adapter, merged};

const SECRET: &str = "hunter-of-commands";

/// In words, and for a shell.
fn specs(folder: &str) -> [Value; 2] {
    let secrets =
        json!({ "preflight": ["tar", "--version"], "secrets": { "names": SECRET }, "counts": ["echo", "1 file"] });
    let words = json!({
        "capture": ["tar", "-C", folder, "--exclude-from={secret:names}", "-cf", "-", "data"],
        "restore": ["tar", "-C", folder, "-xf", "-"],
    });
    let shell = json!({
        "capture": "cd \"$FOLDER\"; tar --exclude-from={secret:names} -cf - data | cat",
        "restore": "cd \"$FOLDER\"; tar -xf -", "env": { "FOLDER": folder },
    });
    [merged(words, secrets.clone()), merged(shell, secrets)]
}

#[test]
fn the_command_adapter_conforms() {
    let folder = "/srv/it's \"$(false)";
    let drill = json!({ "drill": { "restore": ["r", "--into={name}"], "remove": "rm {name}", "counts": "c {name}" } });
    let [words, shell] = specs(folder);
    for spec in [words.clone(), shell, merged(words, drill)] {
        let context =
            AdapterContext { secrets: vec![SECRET.into()], values: vec![folder.into()], ..AdapterContext::default() };
        let report = conformance::adapter(&adapter(spec), &context);
        report.assert_conforms();
        assert_eq!(report.held(), adapter_claim::ALL);
    }
}

struct Data(TempDir);

#[async_trait]
impl LiveData for Data {
    async fn prepare(&self) {
        fs::write(self.0.path().join("data"), "precious ".repeat(200_000)).unwrap();
    }

    async fn wipe(&self) {
        fs::remove_file(self.0.path().join("data")).unwrap();
    }

    async fn compare(&self) -> Result<(), String> {
        match fs::read_to_string(self.0.path().join("data")) {
            Ok(text) if text == "precious ".repeat(200_000) => Ok(()),
            other => Err(format!("{:?}", other.map(|text| text.len()))),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_adapter_goes_there_and_back() {
    let data = Data(tempfile::tempdir().unwrap());
    for spec in specs(&data.0.path().display().to_string()) {
        let how = RoundTrip { secrets: vec![SECRET.into()], ..RoundTrip::default() };
        let report = conformance::adapter_round_trip(Arc::new(adapter(spec)), &data, &how).await;
        report.assert_conforms();
        assert_eq!(report.held(), adapter_claim::ROUND_TRIP);
    }
}
