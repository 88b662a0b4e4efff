//! Errors of an object store, with its messages.

use std::error::Error as _;
use std::time::Duration;

use bahub_core::advice::Advice;
use bahub_core::sink::{SinkError, SinkErrorKind};
use opendal::{Error, ErrorKind};

const LONGEST: usize = 300;

/// Codes that mean invalid keys, as opposed to missing rights.
const BAD_KEYS: &[&str] =
    &["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "NotSignedUp"];

/// `doing` completes "cannot ...".
pub(super) fn fault(error: &Error, doing: &str) -> SinkError {
    let code = answered(error).unwrap_or_default();
    let kind = match (error.kind(), code) {
        (_, code) if BAD_KEYS.contains(&code) => SinkErrorKind::Unauthorized,
        (_, "QuotaExceeded" | "XMinioStorageFull" | "InsufficientStorage") => SinkErrorKind::NoSpace,
        (ErrorKind::PermissionDenied, _) => SinkErrorKind::Forbidden,
        (ErrorKind::NotFound, _) | (_, "NoSuchBucket") => SinkErrorKind::NotFound,
        (ErrorKind::RateLimited, _) => SinkErrorKind::Refused,
        _ if error.message().contains("credential") => SinkErrorKind::Unauthorized,
        _ if error.is_temporary() => SinkErrorKind::Unreachable,
        _ if code.is_empty() => SinkErrorKind::Other,
        _ => SinkErrorKind::Refused,
    };
    SinkError::new(kind, format!("cannot {doing}: {}", words(error))).with_help_opt(help(kind, code).map(Advice::from))
}

/// The error of a store that went silent.
pub(super) fn silent(doing: &str, limit: Duration) -> SinkError {
    SinkError::new(SinkErrorKind::Stalled, format!("cannot {doing}: no answer within {} s", limit.as_secs_f64()))
        .with_help("check the object store and the network")
}

/// The code of the store's own answer, if there was one.
pub(super) fn answered(error: &Error) -> Option<&str> {
    field(error.message(), "code").filter(|code| !code.is_empty())
}

fn words(error: &Error) -> String {
    let message = error.message();
    let mut text = match (field(message, "code"), field(message, "message")) {
        (Some(code), Some(said)) => format!("{code}: {said}"),
        _ => message.to_owned(),
    };
    let mut cause = error.source();
    while let Some(next) = cause {
        cause = next.source();
        if cause.is_none() {
            text = format!("{text}: {next}");
        }
    }
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// opendal reports a store's answer as the `Debug` of a struct: `S3Error { code: "AccessDenied", message: "...", ... }`.
fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = message.strip_prefix("S3Error {")?.split_once(&format!(" {name}: \""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn help(kind: SinkErrorKind, code: &str) -> Option<&'static str> {
    Some(match kind {
        SinkErrorKind::Unauthorized => "check access_key_id, secret_access_key, session_token and region of the access",
        SinkErrorKind::Forbidden => "the keys do not allow this; a backup needs only s3:PutObject on the prefix",
        SinkErrorKind::NotFound if code == "NoSuchBucket" => "create the bucket, or correct the url",
        SinkErrorKind::Unreachable => "check endpoint and network; nothing is visible before its commit",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stores_answer_is_reported_with_its_code_and_message() {
        let message = r#"S3Error { code: "AccessDenied", message: "No.", resource: "/b", request_id: "1" }"#;
        let error = Error::new(ErrorKind::PermissionDenied, message);
        assert_eq!(fault(&error, "put x").to_string(), "cannot put x: AccessDenied: No.");
        assert_eq!(answered(&error), Some("AccessDenied"));
        assert_eq!(answered(&Error::new(ErrorKind::Unexpected, "send http request")), None);
    }
}
