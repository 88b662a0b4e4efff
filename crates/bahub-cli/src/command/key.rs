//! `:key:generate`

use std::path::Path;
use std::time::Duration;

use bahub_core::exit::ExitCode;
use bahub_core::secret::Secret;
use bahub_crypto::{CryptoError, KeyAlgorithm, KeyGeneration, generate as make, write_key_pair};

use super::session::Session;
use crate::args::{GenerateArgs, KeyType};
use crate::failed::Failed;
use crate::signals;
use crate::terminal::is_interactive;

const DAY: Duration = Duration::from_secs(86_400);

pub(super) async fn generate(session: &Session, args: &GenerateArgs) -> Result<ExitCode, Failed> {
    let failed = |error: CryptoError| {
        let help = match error {
            CryptoError::Exists(_) => "give other names with --private-key and --public-key",
            CryptoError::Generation(_) => "give another --email or --name",
            _ => "the folders must exist and be writable",
        };
        Failed::new(ExitCode::Keys, error.to_string()).with_help(help)
    };
    let mut spec = KeyGeneration::new(&args.email).with_algorithm(match args.r#type {
        KeyType::Cv25519 => KeyAlgorithm::Cv25519,
        KeyType::Rsa4096 => KeyAlgorithm::Rsa4096,
    });
    spec.name = args.name.clone();
    spec.passphrase = passphrase(session, args).await?;
    spec.validity = args.days.map(|days| DAY * days);
    let key = make(&spec).map_err(failed)?;
    write_key_pair(&key, &args.private_key, &args.public_key).map_err(failed)?;
    let (private, public) = (args.private_key.display(), args.public_key.display());
    if session.renderer.is_json() {
        let value = serde_json::json!({
            "fingerprint": key.fingerprint, "private_key": args.private_key, "public_key": args.public_key,
        });
        session.renderer.result(&value.to_string());
        return Ok(ExitCode::Ok);
    }
    session.renderer.result(&format!(
        "key {}\n  {private}: the private key; without it no backup can be decrypted: keep a copy away from the backups\n  \
         {public}: the public key; enough for making backups",
        key.fingerprint,
    ));
    Ok(ExitCode::Ok)
}

/// From a file or a person; a key is never left unlocked by accident.
async fn passphrase(session: &Session, args: &GenerateArgs) -> Result<Option<Secret>, Failed> {
    if args.no_passphrase {
        return Ok(None);
    }
    if let Some(file) = &args.passphrase_file {
        return from_file(file).map(Some);
    }
    let usage = |message: &str| Failed::new(ExitCode::Usage, message);
    if !is_interactive() {
        return Err(usage("cannot prompt for a passphrase: standard input or standard error is not a terminal")
            .with_help("give --passphrase-file FILE, or --no-passphrase"));
    }
    let terminal = session.renderer.terminal();
    let ask = async |question: &str| {
        let asked = signals::unless_signalled(terminal.ask_secret(question)).await?;
        asked.ok_or_else(Failed::cancelled)
    };
    let first = ask("Passphrase for the private key:").await?;
    if first.is_empty() {
        return Err(usage("the passphrase is empty").with_help("to leave the key unprotected, use --no-passphrase"));
    }
    if ask("Repeat the passphrase:").await? != first {
        return Err(usage("the passphrases do not match; nothing was written"));
    }
    Ok(Some(first))
}

fn from_file(file: &Path) -> Result<Secret, Failed> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failed::new(ExitCode::Keys, format!("cannot read the passphrase file {}: {error}", file.display()))
    })?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(Failed::new(ExitCode::Keys, format!("the first line of {} is empty", file.display()))),
    }
}
