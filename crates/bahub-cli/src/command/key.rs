//! `:key:generate`

use std::path::Path;
use std::time::Duration;

use bahub_core::secret::Secret;
use bahub_crypto::{CryptoError, KeyAlgorithm, KeyGeneration, generate as make, write_key_pair};

use super::{Failed, Session};
use crate::args::{GenerateArgs, KeyType};
use crate::terminal;

const DAY: Duration = Duration::from_secs(86_400);
/// The exit code for what is wrong with keys.
const KEYS: u8 = 6;

pub(super) fn generate(session: &Session<'_>, args: &GenerateArgs) -> Result<u8, Failed> {
    let failed = |error: CryptoError| {
        let help = match error {
            CryptoError::Exists(_) => "give other names with --private-key and --public-key",
            CryptoError::Generation(_) => "give another --email or --name",
            _ => "the folders must exist and be writable",
        };
        Failed::new(KEYS, error.to_string()).with_help(help)
    };
    let key = make(&KeyGeneration {
        name: args.name.clone(),
        email: args.email.clone(),
        passphrase: passphrase(args)?,
        algorithm: match args.r#type {
            KeyType::Cv25519 => KeyAlgorithm::Cv25519,
            KeyType::Rsa4096 => KeyAlgorithm::Rsa4096,
        },
        validity: args.days.map(|days| DAY * days),
    })
    .map_err(failed)?;
    write_key_pair(&key, &args.private_key, &args.public_key).map_err(failed)?;
    let (private, public) = (args.private_key.display(), args.public_key.display());
    if session.renderer.is_json() {
        let value = serde_json::json!({
            "fingerprint": key.fingerprint, "private_key": args.private_key, "public_key": args.public_key,
        });
        session.renderer.text(&value.to_string());
        return Ok(0);
    }
    session.renderer.text(&format!(
        "key {}\n  {private}: the private key; without it no backup can be read: keep a copy away from the backups\n  \
         {public}: the public key; all that making backups needs",
        key.fingerprint,
    ));
    Ok(0)
}

/// From a file or a person; a key is never left open by accident.
fn passphrase(args: &GenerateArgs) -> Result<Option<Secret>, Failed> {
    if args.no_passphrase {
        return Ok(None);
    }
    if let Some(file) = &args.passphrase_file {
        return from_file(file).map(Some);
    }
    if !terminal::is_interactive() {
        return Err(Failed::new(2, "nobody is here to type a passphrase")
            .with_help("give --passphrase-file FILE, or --no-passphrase"));
    }
    let first = terminal::ask_secret("Passphrase for the private key:")?;
    if first.is_empty() {
        return Err(Failed::new(2, "an empty passphrase").with_help("to leave the key open say --no-passphrase"));
    }
    if terminal::ask_secret("The same again:")? != first {
        return Err(Failed::new(2, "the two passphrases differ; nothing was written"));
    }
    Ok(Some(first))
}

fn from_file(file: &Path) -> Result<Secret, Failed> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failed::new(KEYS, format!("cannot read the passphrase file {}: {error}", file.display())))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(Failed::new(KEYS, format!("the first line of {} is empty", file.display()))),
    }
}
