//! The adapter passes bahub's conformance suite.
#![expect(clippy::unwrap_used, reason = "the whole file is a test; clippy knows only functions marked as one")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use acme::Git;
use async_trait::async_trait;
use bahub_core::registry::Component;
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_testkit::conformance::{self, AdapterContext, LiveData, RoundTrip};

fn adapter(repository: &Path) -> Git {
    Git::from_config(serde_json::from_value(serde_json::json!({ "repository": repository })).unwrap(), &()).unwrap()
}

#[test]
fn what_is_registered_can_be_configured() {
    conformance::registration(acme::register).assert_conforms();
}

#[test]
fn the_adapter_conforms() {
    let path = "/srv/it's a repository";
    let context = AdapterContext { values: vec![path.into()], ..AdapterContext::default() };
    conformance::adapter(&adapter(Path::new(path)), &context).assert_conforms();
}

/// A repository with some history.
struct Repository {
    folder: tempfile::TempDir,
    target: ReplayTarget,
}

impl Repository {
    fn path(&self) -> PathBuf {
        self.folder.path().join("it's a repository")
    }

    fn refs(&self) -> Option<String> {
        let listed = Command::new("git").arg("-C").arg(self.path()).arg("for-each-ref").output().unwrap();
        listed.status.success().then(|| String::from_utf8(listed.stdout).unwrap())
    }

    fn git(&self, args: &[&str]) {
        let who = ["-c", "user.name=acme", "-c", "user.email=acme@example.org", "-c", "commit.gpgsign=false"];
        let mut command = Command::new("git");
        assert!(command.arg("-C").arg(self.path()).args(who).args(args).status().unwrap().success(), "git {args:?}");
    }
}

#[async_trait]
impl LiveData for Repository {
    async fn prepare(&self) {
        std::fs::create_dir(self.path()).unwrap();
        self.git(&["init", "--quiet", "--initial-branch=main"]);
        for (name, content) in [("a file", "one"), ("new\nline", "two"), ("binary", "\0\u{1}")] {
            std::fs::write(self.path().join(name), content.repeat(5000)).unwrap();
            self.git(&["add", "--all"]);
            self.git(&["commit", "--quiet", "--message", name]);
        }
        self.git(&["tag", "--annotate", "--message", "the first", "v1", "HEAD~1"]);
        self.git(&["branch", "side/branch", "HEAD~2"]);
        std::fs::write(self.folder.path().join("refs"), self.refs().unwrap()).unwrap();
    }

    async fn wipe(&self) {
        std::fs::remove_dir_all(self.path()).unwrap();
    }

    async fn compare(&self) -> Result<(), String> {
        let prepared = std::fs::read_to_string(self.folder.path().join("refs")).unwrap();
        match self.path().exists().then(|| self.refs()).flatten() {
            // A commit's id is the hash of everything reachable from it.
            Some(refs) if refs == prepared => Ok(()),
            refs => Err(format!("prepared were\n{prepared}and there are\n{}", refs.unwrap_or_default())),
        }
    }

    fn target(&self) -> ReplayTarget {
        self.target.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_goes_there_and_back() {
    let data = Repository { folder: tempfile::tempdir().unwrap(), target: ReplayTarget::default() };
    let adapter = Arc::new(adapter(&data.path()));
    conformance::adapter_round_trip(adapter, &data, &RoundTrip::default()).await.assert_conforms();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_comes_back_into_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    let place = RestoreTarget::Directory(folder.path().join("it's a repository"));
    let data = Repository { folder, target: ReplayTarget::at(place) };
    let adapter = Arc::new(adapter(&data.path()));
    conformance::adapter_round_trip(adapter, &data, &RoundTrip::default()).await.assert_conforms();
}
