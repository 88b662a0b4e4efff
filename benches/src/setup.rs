//! A key, a keyring of gpg with the same key, and configurations.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use bahub_crypto::{KeyGeneration, generate, write_key_pair};

/// Options of every measurement.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// Where data and results go
    #[arg(long, default_value = "/var/tmp/bahub-bench")]
    pub dir: PathBuf,
    /// The program to measure
    #[arg(long, default_value = "target/release/bahub")]
    pub bahub: PathBuf,
}

/// Options of measurements of data that is elsewhere.
#[derive(Debug, clap::Args)]
pub struct FarOptions {
    /// What every measurement has.
    #[command(flatten)]
    pub common: Common,
    /// Megabytes of SQL-like text
    #[arg(long, default_value_t = 2000)]
    pub megabytes: u64,
    /// The test server to start for direct uploads
    #[arg(long, default_value = "target/release/test-backup-repository")]
    pub server: PathBuf,
    /// How often each command runs
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
}

impl Common {
    /// As [`Setup::new`].
    ///
    /// # Errors
    /// A program that is missing, or a disk that refuses.
    pub fn setup(&self) -> io::Result<Setup> {
        Setup::new(&self.dir, &self.bahub)
    }
}

/// A folder with everything that a measurement needs.
#[derive(Debug)]
pub struct Setup {
    /// The folder.
    pub folder: PathBuf,
    /// The program that is measured.
    pub bahub: PathBuf,
}

const EMAIL: &str = "bench@example.org";

impl Setup {
    /// Makes the folder, a key pair and a keyring.
    ///
    /// # Errors
    /// A program that is missing, or a disk that refuses.
    pub fn new(folder: &Path, bahub: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let setup = Self { folder: folder.canonicalize()?, bahub: bahub.canonicalize()? };
        if !setup.folder.join("private.asc").exists() {
            setup.make_keys()?;
        }
        Ok(setup)
    }

    fn make_keys(&self) -> io::Result<()> {
        let spec = KeyGeneration::new(EMAIL);
        let key = generate(&spec).map_err(io::Error::other)?;
        write_key_pair(&key, &self.folder.join("private.asc"), &self.folder.join("public.asc"))
            .map_err(io::Error::other)?;
        let line = format!("mkdir -p -m 700 gnupg && {} --import private.asc", self.gpg());
        let status = Command::new("bash").args(["-ec", &line]).current_dir(&self.folder).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other("gpg could not import the key")) }
    }

    /// gpg with the keyring, without questions.
    pub fn gpg(&self) -> String {
        format!("gpg --homedir {} --batch --quiet --yes --trust-model always", self.folder.join("gnupg").display())
    }

    /// gpg encrypting standard input for the key.
    pub fn encrypt(&self, options: &str) -> String {
        format!("{} --encrypt --recipient {EMAIL} {options}", self.gpg())
    }

    /// Writes a configuration of one backup of files, `data`, and returns the command that runs bahub with it.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn bahub(&self, name: &str, access: &str, paths: &[&Path], meta: &str) -> io::Result<String> {
        let paths = paths.iter().map(|path| format!("{:?}", path.display().to_string())).collect::<Vec<_>>().join(", ");
        self.bahub_with(name, access, ("bahub.adapters.filesystem", &format!("paths: [{paths}]")), meta)
    }

    /// The same, with an adapter and its spec.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn bahub_with(&self, name: &str, access: &str, adapter: (&str, &str), meta: &str) -> io::Result<String> {
        self.bahub_at(name, access, ("bahub.transports.sh", ""), adapter, meta)
    }

    /// The same, with a transport and its spec.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn bahub_at(
        &self,
        name: &str,
        access: &str,
        transport: (&str, &str),
        adapter: (&str, &str),
        meta: &str,
    ) -> io::Result<String> {
        let (transport, place) = transport;
        let file = self.folder.join(format!("{name}.yaml"));
        let (adapter, spec) = adapter;
        fs::write(
            &file,
            format!(
                "accesses:\n  store: {access}\n\
                 encryption:\n  key: {{ private_key_path: private.asc, public_key_path: public.asc, email: {EMAIL} }}\n\
                 transports:\n  local: {{ type: {transport}, spec: {{ {place} }} }}\n\
                 backups:\n  data:\n    meta: {{ type: {adapter}, access: store, encryption: key, \
                 transport: local{meta} }}\n    spec: {{ {spec} }}\n"
            ),
        )?;
        Ok(format!("{} -c {}", self.bahub.display(), file.display()))
    }
}
