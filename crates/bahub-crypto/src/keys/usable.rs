//! The check of a certificate before anything is encrypted for it.

use std::time::{SystemTime, UNIX_EPOCH};

use bahub_core::keys::{KeyError, KeyErrorKind, KeySource, Recipient};
use sequoia_openpgp::Cert;
use sequoia_openpgp::anyhow;
use sequoia_openpgp::cert::ValidCert;
use sequoia_openpgp::cert::amalgamation::{ValidAmalgamation, ValidateAmalgamation};
use sequoia_openpgp::packet::{Signature, UserID};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::types::RevocationStatus;

/// Why a certificate cannot be used, and the way out.
type Refusal = (String, String);

/// Checks that a certificate is valid now, unrevoked, unexpired, able to encrypt, and carries the address, if one is
/// given.
pub(super) fn check(source: &KeySource, certificate: &Cert, email: Option<&str>) -> Result<Recipient, KeyError> {
    inspect(certificate, email).map_err(|(reason, help)| {
        let user = any_user(certificate).map(|user| format!(" ({user})")).unwrap_or_default();
        let fingerprint = certificate.fingerprint();
        let message = format!("the key {fingerprint}{user} in {source} cannot be used: {reason}");
        KeyError::new(KeyErrorKind::Unusable, message).with_help(help)
    })
}

fn inspect(certificate: &Cert, email: Option<&str>) -> Result<Recipient, Refusal> {
    let policy = StandardPolicy::new();
    let now = SystemTime::now();
    let valid = certificate
        .with_policy(&policy, now)
        .map_err(|error| (format!("it is not valid: {}", one_line(&error)), renewal(certificate, now)))?;
    if let RevocationStatus::Revoked(signatures) = valid.revocation_status() {
        return Err((format!("it is revoked{}", revocation(&signatures)), "use another key".to_owned()));
    }
    valid.alive().map_err(|error| (one_line(&error), extend(certificate)))?;
    let subkeys_end = encryption_end(&valid)?;
    let user_id = user_id(&valid, email)?;
    let primary_end = valid.primary_key().key_expiration_time();
    let public = certificate.clone().strip_secret_key_material().to_vec();
    let public = public.map_err(|error| (one_line(&error), "{generate a key pair}".to_owned()))?;
    let mut recipient = Recipient::new(certificate.fingerprint().to_hex(), public);
    recipient.user_id = user_id;
    recipient.expires = primary_end.into_iter().chain(subkeys_end).min().map(seconds);
    Ok(recipient)
}

/// Returns when the last usable encryption key ends; refuses if there is none, and says why.
fn encryption_end(valid: &ValidCert<'_>) -> Result<Option<SystemTime>, Refusal> {
    let mut ends = Vec::new();
    let mut reasons = Vec::new();
    for key in valid.cert().keys() {
        let id = key.key().keyid();
        let key = match key.with_policy(valid.policy(), valid.time()) {
            Ok(key) => key,
            Err(error) => {
                reasons.push(format!("{id}: {}", one_line(&error)));
                continue;
            }
        };
        if !key.for_transport_encryption() && !key.for_storage_encryption() {
            continue;
        }
        if let RevocationStatus::Revoked(signatures) = key.revocation_status() {
            reasons.push(format!("{id} is revoked{}", revocation(&signatures)));
        } else if let Err(error) = key.alive() {
            reasons.push(format!("{id}: {}", one_line(&error)));
        } else if !key.key().pk_algo().is_supported() {
            reasons.push(format!("{id} has the unsupported algorithm {}", key.key().pk_algo()));
        } else {
            ends.push(key.key_expiration_time());
        }
    }
    if ends.is_empty() {
        let reason = match reasons.join("; ") {
            none if none.is_empty() => "it has no key for encryption".to_owned(),
            some => format!("it has no usable key for encryption: {some}"),
        };
        return Err((reason, extend(valid.cert())));
    }
    Ok(if ends.contains(&None) { None } else { ends.into_iter().flatten().max() })
}

/// Returns the user id to show: the one with the address, if it is given.
fn user_id(valid: &ValidCert<'_>, email: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(email) = email else {
        return Ok(valid.primary_userid().ok().map(|user| text(user.userid())));
    };
    let users = || valid.userids().filter(|user| !matches!(user.revocation_status(), RevocationStatus::Revoked(_)));
    match users().find(|user| carries(user.userid(), email)) {
        Some(user) => Ok(Some(text(user.userid()))),
        None => {
            let known: Vec<_> = users().map(|user| text(user.userid())).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err((
                format!("none of its valid user ids has the address {email}"),
                format!("its valid user ids: {known}; correct `email`, or use the key that belongs to it"),
            ))
        }
    }
}

/// True if the user id carries this address; case does not count.
pub(super) fn carries(user: &UserID, email: &str) -> bool {
    let email = email.trim().to_lowercase();
    user.email().ok().flatten().is_some_and(|address| address.to_lowercase() == email)
}

/// The way out for a certificate without a valid signature by itself: too young, or too old.
fn renewal(certificate: &Cert, now: SystemTime) -> String {
    if certificate.primary_key().key().creation_time() > now {
        return "the key's creation time is in the future: check this host's clock".to_owned();
    }
    format!(
        "if its signatures use an outdated hash such as SHA-1, renew them (gpg --quick-set-expire {fpr} never; gpg --quick-set-expire {fpr} never '*') and export the key again, or {{generate a key pair}}",
        fpr = certificate.fingerprint()
    )
}

fn extend(certificate: &Cert) -> String {
    format!(
        "extend the key's expiry (gpg --quick-set-expire {fpr} 2y; gpg --quick-set-expire {fpr} 2y '*') and export it again, or {{generate a key pair}}",
        fpr = certificate.fingerprint()
    )
}

fn revocation(signatures: &[&Signature]) -> String {
    signatures
        .iter()
        .find_map(|signature| signature.reason_for_revocation())
        .map(|(reason, text)| match String::from_utf8_lossy(text).trim() {
            "" => format!(" ({reason})"),
            text => format!(" ({reason}: {text})"),
        })
        .unwrap_or_default()
}

fn any_user(certificate: &Cert) -> Option<String> {
    certificate.userids().next().map(|user| text(user.userid()))
}

fn text(user: &UserID) -> String {
    String::from_utf8_lossy(user.value()).chars().filter(|c| !c.is_control()).collect()
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// The error and its causes on one line.
pub(super) fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
