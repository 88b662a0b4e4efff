//! A key pair of ours, a real gpg in a private home, and the shortest ways through the crate.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use bahub_core::keys::{EncryptionSpec, KeySource, Keys, MAX_HEAD, MessageFormat, Recipient, SessionKey};
use bahub_core::secret::Secret;
use bahub_crypto::{CryptoError, Decryptor, Encryptor, GeneratedKey, KeyGeneration, OpenPgpKeys, generate};
use tempfile::TempDir;

pub(crate) const FORMATS: [MessageFormat; 2] = [MessageFormat::Rfc4880, MessageFormat::Rfc9580];

/// Sizes of data around every boundary of the writer and the reader.
pub(crate) fn edge_sizes() -> Vec<usize> {
    const K64: usize = 65_536;
    let mut sizes = vec![0, 1, 2, 100, 185, 186, 191, 192, 193, 505, 506, 507, 511, 512, 8377, 8378, 8383, 8384];
    for windows in [1, 2, 3] {
        for near in -48..=48_isize {
            if near.abs() < 3 || near % 8 == 0 || (-27..=-15).contains(&near) || (15..=45).contains(&near) {
                sizes.push((windows * K64).checked_add_signed(near).expect("positive"));
            }
        }
    }
    sizes
}

/// Bytes that do not compress and never repeat at a power of two.
pub(crate) fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ size as u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// A key pair in files.
pub(crate) struct KeyFiles {
    _folder: TempDir,
    pub(crate) key: GeneratedKey,
    pub(crate) spec: EncryptionSpec,
}

impl KeyFiles {
    pub(crate) fn new(key: GeneratedKey) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret.asc");
        let public = folder.path().join("public.asc");
        bahub_crypto::write_key_pair(&key, &secret, &public).unwrap();
        let spec = EncryptionSpec::new("test")
            .with_private_key(KeySource::file(secret))
            .with_public_key(KeySource::file(public));
        Self { _folder: folder, key, spec }
    }

    pub(crate) fn recipients(&self) -> Vec<Recipient> {
        OpenPgpKeys.recipients(&self.spec).unwrap()
    }

    pub(crate) fn unlock(&self, message: &[u8]) -> SessionKey {
        OpenPgpKeys.unlock(&self.spec, &message[..message.len().min(MAX_HEAD)]).unwrap()
    }
}

pub(crate) fn request(email: &str) -> KeyGeneration {
    KeyGeneration::new(email).with_name("Test Key")
}

pub(crate) static OURS: LazyLock<KeyFiles> =
    LazyLock::new(|| KeyFiles::new(generate(&request("ours@example.org")).unwrap()));

pub(crate) fn encrypt(plain: &[u8], recipients: &[Recipient], format: MessageFormat, armor: bool) -> Vec<u8> {
    encrypt_pieces(plain, &[], recipients, format, armor)
}

/// Encrypts in writes of these sizes, over and over.
pub(crate) fn encrypt_pieces(
    mut plain: &[u8],
    sizes: &[usize],
    recipients: &[Recipient],
    format: MessageFormat,
    armor: bool,
) -> Vec<u8> {
    let mut encryptor = Encryptor::new(Vec::new(), recipients, format, armor).unwrap();
    for &size in sizes.iter().cycle().take(if sizes.is_empty() { 0 } else { 100_000 }) {
        let (now, later) = plain.split_at(size.min(plain.len()));
        encryptor.write_all(now).unwrap();
        plain = later;
        if plain.is_empty() {
            break;
        }
    }
    encryptor.write_all(plain).unwrap();
    encryptor.finish().unwrap()
}

pub(crate) fn decrypt(message: &[u8], key: &SessionKey) -> Result<Vec<u8>, CryptoError> {
    let mut plain = Vec::new();
    let mut decryptor = Decryptor::new(message, key)?;
    match decryptor.read_to_end(&mut plain) {
        Ok(_) => Ok(plain),
        Err(error) => {
            assert!(decryptor.read(&mut [0]).is_err(), "an error is sticky");
            Err(error.downcast().expect("every error is a CryptoError"))
        }
    }
}

/// Where the encrypted data packet begins, in a binary message with one session key packet of a short length.
pub(crate) fn data_start(message: &[u8]) -> usize {
    let mut at = 0;
    while message[at] != 0xD2 {
        let legacy = message[at] & 0x40 == 0;
        assert!(message[at + 1] < 192, "a short length");
        at += 2 + usize::from(message[at + 1]);
        assert!(!legacy || message[0] == 0x84, "a legacy length of one octet");
    }
    at
}

/// A real gpg with a home of its own; its agent is stopped with it.
pub(crate) struct Gpg {
    home: TempDir,
}

impl Gpg {
    pub(crate) fn new() -> Self {
        let home = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        // Else its agent measures for half a second how much work it may put into a passphrase.
        fs::write(home.path().join("gpg-agent.conf"), "s2k-count 65536\n").unwrap();
        Self { home }
    }

    pub(crate) fn run(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        let mut child = Command::new("gpg")
            .args(["--batch", "--yes", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--trust-model", "always"])
            .args(args)
            .env("GNUPGHOME", self.home.path())
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gpg is installed: these tests need it");
        let mut stdin = child.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(input));
            child.wait_with_output().unwrap()
        });
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(output.stdout) } else { Err(errors) }
    }

    pub(crate) fn import(&self, key: &str) {
        self.run(&["--import"], key.as_bytes()).unwrap();
    }

    pub(crate) fn decrypt(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        self.run(&["--decrypt"], message)
    }

    /// Makes a key pair and exports it into files, as a user of the original product did.
    pub(crate) fn key(&self, algorithms: (&str, &str), email: &str, passphrase: &str) -> KeyFiles {
        self.key_with(&[], algorithms, email, passphrase)
    }

    /// The same, with more options of gpg.
    pub(crate) fn key_with(
        &self,
        options: &[&str],
        algorithms: (&str, &str),
        email: &str,
        passphrase: &str,
    ) -> KeyFiles {
        let pass = [options, &["--passphrase", passphrase]].concat();
        let (primary, subkey) = algorithms;
        self.run(&[&pass[..], &["--quick-generate-key", email, primary, "cert,sign", "never"]].concat(), b"").unwrap();
        let list = self.run(&["--with-colons", "--list-keys", email], b"").unwrap();
        let list = String::from_utf8(list).unwrap();
        let fingerprint = list.lines().find_map(|line| line.strip_prefix("fpr:")).unwrap().trim_matches(':').to_owned();
        self.run(&[&pass[..], &["--quick-add-key", &fingerprint, subkey, "encr", "never"]].concat(), b"").unwrap();
        let secret = self.run(&[&pass[..], &["--armor", "--export-secret-keys", email]].concat(), b"").unwrap();
        let public = self.run(&["--armor", "--export", email], b"").unwrap();
        let mut files = KeyFiles::new(GeneratedKey {
            secret: Secret::new(String::from_utf8(secret).unwrap()),
            public: String::from_utf8(public).unwrap(),
            fingerprint,
        });
        files.spec.passphrase = Some(Secret::new(passphrase));
        files
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", self.home.path()).status();
    }
}
