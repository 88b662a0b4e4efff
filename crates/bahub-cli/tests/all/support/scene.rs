//! A folder with keys, data, a store and a configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bahub_testkit::fixtures::{KeyPair, TreeSpec, agent_program, assert_same_tree, noise, tree};
use tempfile::TempDir;

use super::{Run, Running};

/// The address in the keys.
pub(crate) const EMAIL: &str = KeyPair::EMAIL;

/// A folder of one test. The configuration has one backup, `tree`, of the folder [`Scene::data`].
pub(crate) struct Scene {
    folder: TempDir,
    keys: KeyPair,
    access: String,
    encryption: String,
    meta: String,
    spec: String,
    /// Another adapter than that for files, and its spec.
    adapter: Option<(String, String)>,
    /// The transport's type and spec.
    transport: String,
    path: String,
    environment: Vec<(String, String)>,
}

impl Scene {
    /// Small data, and a store in a folder.
    pub(crate) fn new() -> Self {
        let scene = Self::empty();
        fs::create_dir(scene.data()).unwrap();
        fs::write(scene.data().join("a file"), "its content\n").unwrap();
        fs::write(scene.data().join("noise"), noise(300_000)).unwrap();
        scene
    }

    /// Data with everything that is hard to keep.
    pub(crate) fn with_odd_tree() -> Self {
        let scene = Self::empty();
        tree(&scene.data(), &TreeSpec { files: 150, ..TreeSpec::default() });
        let plain = scene.data().join("plain");
        let run = |program: &str, args: &[&str]| {
            assert!(Command::new(program).args(args).arg(&plain).status().unwrap().success(), "{program}");
        };
        run("setfattr", &["-n", "user.origin", "-v", "a b"]);
        run("setfacl", &["-m", "u:12345:r"]);
        std::os::unix::fs::lchown(scene.data().join("read-only"), Some(4242), Some(4343)).unwrap();
        scene
    }

    /// Data of this many bytes that do not compress.
    pub(crate) fn with_noise(bytes: usize) -> Self {
        let scene = Self::empty();
        fs::create_dir(scene.data()).unwrap();
        fs::write(scene.data().join("noise"), noise(bytes)).unwrap();
        scene
    }

    fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("bahub-test-").tempdir().unwrap();
        let keys = KeyPair::generate();
        let access = format!("url: \"file://{}\"", folder.path().join("store").display());
        let encryption = format!(
            "private_key_path: {}, public_key_path: {}, email: {EMAIL}",
            keys.private().display(),
            keys.public().display()
        );
        let scene = Self {
            folder,
            keys,
            access,
            encryption,
            meta: String::new(),
            spec: String::new(),
            adapter: None,
            transport: "type: bahub.transports.sh, spec: {}".into(),
            path: std::env::var("PATH").unwrap(),
            environment: Vec::new(),
        };
        scene.write_config();
        scene
    }

    /// Replaces the fields of the access.
    pub(crate) fn with_access(mut self, access: &str) -> Self {
        self.set_access(access);
        self
    }

    /// Replaces the fields of the access.
    pub(crate) fn set_access(&mut self, access: &str) {
        access.clone_into(&mut self.access);
        self.write_config();
    }

    /// Replaces the fields of the encryption.
    pub(crate) fn with_encryption(mut self, encryption: &str) -> Self {
        encryption.clone_into(&mut self.encryption);
        self.write_config();
        self
    }

    /// Adds fields to the backup's `meta`: `, relay: true`.
    pub(crate) fn with_meta(mut self, meta: &str) -> Self {
        meta.clone_into(&mut self.meta);
        self.write_config();
        self
    }

    /// Adds fields to the backup's `spec`: `, on_unreadable: warn`.
    pub(crate) fn with_spec(mut self, spec: &str) -> Self {
        spec.clone_into(&mut self.spec);
        self.write_config();
        self
    }

    /// Backs up something else than files.
    pub(crate) fn with_adapter(mut self, adapter: &str, spec: &str) -> Self {
        self.adapter = Some((adapter.to_owned(), spec.to_owned()));
        self.write_config();
        self
    }

    /// Runs commands elsewhere, by an agent that is placed there.
    pub(crate) fn with_transport(mut self, transport: &str, spec: &str) -> Self {
        self.transport = format!("type: {transport}, spec: {{ {spec} }}");
        self.write_config();
        self.with_variable("BAHUB_AGENT", &agent_program().display().to_string())
    }

    /// Adds a variable to the environment.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What programs of the run are found in.
    pub(crate) fn set_path(&mut self, path: &str) {
        path.clone_into(&mut self.path);
    }

    fn write_config(&self) {
        let Self { access, encryption, meta, spec, transport, .. } = self;
        let of_files =
            || ("bahub.adapters.filesystem".to_owned(), format!("paths: [\"{}\"]{spec}", self.data().display()));
        let (adapter, spec) = self.adapter.clone().unwrap_or_else(of_files);
        let text = format!(
            "accesses:\n  here: {{ {access} }}\n\
             encryption:\n  key: {{ {encryption} }}\n\
             transports:\n  local: {{ {transport} }}\n\
             backups:\n  tree:\n    meta: {{ type: {adapter}, access: here, encryption: key, transport: local{meta} }}\n    \
             spec: {{ {spec} }}\n"
        );
        fs::write(self.config(), text).unwrap();
    }

    /// The configuration's file.
    pub(crate) fn config(&self) -> PathBuf {
        self.at("bahub.yaml")
    }

    /// A path in the folder.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of the history.
    pub(crate) fn state(&self) -> PathBuf {
        self.at("state")
    }

    /// What is backed up.
    pub(crate) fn data(&self) -> PathBuf {
        self.at("data")
    }

    /// The keys.
    pub(crate) fn keys(&self) -> &KeyPair {
        &self.keys
    }

    /// The folder of the versions in a store of files.
    pub(crate) fn versions_folder(&self) -> PathBuf {
        self.at("store").join("tree")
    }

    /// The names of all files of a store of files, its collections' included.
    pub(crate) fn store_files(&self) -> Vec<String> {
        files_below(&self.at("store"))
    }

    /// The file of a version's message, as its JSON names it.
    pub(crate) fn message(&self, version: u64) -> PathBuf {
        let json = fs::read(self.versions_folder().join(format!("v{version:06}.json"))).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        self.versions_folder().join(json["message"].as_str().unwrap())
    }

    /// The program with these arguments, in an environment of its own.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_bahub"), args)
    }

    /// Another program in the same environment.
    pub(crate) fn command_of(&self, program: &str, args: &[&str]) -> Command {
        // Tests that run in the background, or under nohup, have signals ignored, which programs inherit and bahub respects.
        let mut command = Command::new("/usr/bin/env");
        command.args(["--default-signal=INT,HUP,TERM", program]);
        command.env_clear().current_dir(self.folder.path());
        command.env("PATH", &self.path).env("HOME", self.folder.path()).env("XDG_RUNTIME_DIR", self.folder.path());
        command.env("CONFIG", self.config()).env("BAHUB_STATE_DIR", self.state());
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).args(args);
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        Running::start(self.command(args)).finish()
    }

    /// Runs the program to its end with JSON as output.
    pub(crate) fn json(&self, args: &[&str]) -> Run {
        Running::start(self.json_command(args)).finish()
    }

    /// Starts the program with JSON as output.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running::start(self.json_command(args))
    }

    /// Starts the program with text as output.
    pub(crate) fn start_text(&self, args: &[&str]) -> Running {
        Running::start(self.command(args))
    }

    fn json_command(&self, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command.args(["--output", "json"]);
        command
    }

    /// Makes a version that must succeed.
    #[track_caller]
    pub(crate) fn make(&self) -> Run {
        let run = self.json(&[":backup:make", "tree"]);
        run.assert_code(0);
        assert_eq!(run.report()["outcome"], "succeeded", "{run:?}");
        run
    }

    /// The names of the versions that the program lists.
    #[track_caller]
    pub(crate) fn list(&self) -> Vec<String> {
        let run = self.json(&[":backup:list", "tree"]);
        run.assert_code(0);
        let listed = &run.lines()[0]["versions"];
        listed.as_array().unwrap().iter().map(|version| version["number"].to_string()).collect()
    }

    /// Restores into a new folder, compares it with the data, and returns the program's output.
    #[track_caller]
    pub(crate) fn assert_restores(&self, name: &str) -> Run {
        let run = self.json(&[":backup:restore", "tree", "--to", name]);
        run.assert_code(0);
        compare(&self.data(), &self.at(name));
        run
    }
}

/// Compares data with what was restored of it below a folder.
#[track_caller]
pub(crate) fn compare(data: &Path, below: &Path) {
    assert_same_tree(data, &below.join(data.strip_prefix("/").unwrap()));
}

fn files_below(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .flat_map(|entry| match entry.file_type().unwrap().is_dir() {
            true => files_below(&entry.path()),
            false => vec![entry.file_name().to_string_lossy().into_owned()],
        })
        .collect();
    names.sort();
    names
}
