//! Whether the version exists now: the server's answer, and its listing, which decides.

use std::time::Duration;

use bahub_core::sink::{CommitError, Receipt, SinkError, SinkErrorKind, VersionNumber};
use reqwest::StatusCode;

use super::answer::Answer;
use super::api::{self, Api, Entry, Uploaded};
use super::listing;
use super::session::Session;

/// After a broken connection the server may still be in its wait of 2 seconds, or storing: the listing is requested at these
/// times after it, in milliseconds.
const LOOKS: [u64; 9] = [0, 500, 1000, 2000, 3000, 4500, 6000, 8000, 11_000];

/// How the request ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// With an answer.
    Answered(Answer),
    /// The body was broken before its end: nothing can have been registered.
    Refused(SinkError),
    /// The whole body was sent, and the connection broke.
    Lost(SinkError),
    /// The whole body was sent, and no answer came.
    Silent(SinkError),
}

/// What the collection held before.
#[derive(Debug)]
pub(super) enum Before {
    /// The newest number; 0 for none.
    Newest(u64),
    /// It could not be listed.
    Unknown,
}

impl Before {
    pub(super) fn of(versions: &[Entry]) -> Self {
        Self::Newest(versions.iter().map(|version| version.version_number).max().unwrap_or(0))
    }
}

/// Decides the commit.
pub(super) async fn settle(
    session: &Session,
    before: &Before,
    sent: u64,
    ending: Ending,
) -> Result<Receipt, CommitError> {
    let api = session.api();
    let doing = format!("register the {sent} bytes uploaded to collection \"{}\"", api.collection());
    match ending {
        Ending::Refused(error) => Err(CommitError::Refused(error)),
        Ending::Lost(error) => look_up(session, before, sent, error, true).await,
        Ending::Silent(error) => look_up(session, before, sent, error, false).await,
        Ending::Answered(answer) if answer.status == StatusCode::OK => match answer.data::<Uploaded>(api, &doing) {
            Ok(uploaded) => confirm(session, uploaded.version.version_number, sent).await,
            // A 200 that is not the server's own.
            Err(error) => look_up(session, before, sent, error, true).await,
        },
        // A proxy, or a timeout, gave up: the server itself may still be working on it.
        Ending::Answered(answer) if matches!(answer.status.as_u16(), 408 | 502..=504 | 520..=527) => {
            look_up(session, before, sent, answer.refusal(api, &doing), false).await
        }
        Ending::Answered(answer) => Err(CommitError::Refused(answer.refusal(api, &doing))),
    }
}

/// The server said 200: the listing must agree.
async fn confirm(session: &Session, number: u64, sent: u64) -> Result<Receipt, CommitError> {
    let api = session.api();
    let versions = listing::list(session).await.map_err(|error| {
        let message = format!("the server answered 200 for v{number}, but its listing could not be read to confirm it");
        CommitError::Unknown(SinkError::new(error.kind(), message).with_source(error))
    })?;
    match versions.iter().find(|version| version.version_number == number) {
        Some(version) if version.filesize == sent => Ok(receipt(api, number, sent)),
        Some(version) => Err(CommitError::Unknown(wrong_size(version, sent))),
        None => {
            let message = format!("the server answered 200 for v{number} but did not register it");
            let help = "its database failed without an error to the client: check the server's log";
            Err(CommitError::Refused(SinkError::new(SinkErrorKind::Refused, message).with_help(help)))
        }
    }
}

/// The answer was lost: is there a new version of our size?
async fn look_up(
    session: &Session,
    before: &Before,
    sent: u64,
    lost: SinkError,
    over: bool,
) -> Result<Receipt, CommitError> {
    let Before::Newest(newest) = *before else {
        let message = format!("the answer was lost, and these credentials may not list versions to check: {lost}");
        return Err(CommitError::Unknown(SinkError::new(lost.kind(), message).with_source(lost)));
    };
    let (mut last, mut who, mut unclear) = (None, None, false);
    let mut waited = 0;
    for at in LOOKS {
        tokio::time::sleep(Duration::from_millis(at - waited)).await;
        waited = at;
        let listed = listing::list_once(session).await;
        if let Ok(versions) = &listed {
            let new: Vec<_> = versions.iter().filter(|version| version.version_number > newest).collect();
            if !new.is_empty() && who.is_none() {
                who = Some(session.identify().await);
            }
            match whose(&new, who.as_ref().and_then(Option::as_deref)) {
                Whose::Ours(version) if version.filesize == sent => {
                    return Ok(receipt(session.api(), version.version_number, sent));
                }
                Whose::Ours(version) => return Err(CommitError::Unknown(wrong_size(version, sent))),
                // By its size it may be ours, but another client's may have the same.
                Whose::Unclear if new.iter().any(|version| version.filesize == sent) => {
                    return Err(CommitError::Unknown(lost));
                }
                Whose::Unclear => unclear = true,
                Whose::Others => {}
            }
        }
        last = Some(listed);
    }
    Err(match last {
        Some(Ok(_)) if over && !unclear => CommitError::Refused(lost),
        Some(Err(error)) => {
            let message = format!("{lost}; and the listing could not be read to check: {error}");
            CommitError::Unknown(SinkError::new(error.kind(), message).with_source(lost))
        }
        _ => CommitError::Unknown(lost),
    })
}

/// Who made the new versions of a collection.
enum Whose<'a> {
    Ours(&'a Entry),
    Others,
    Unclear,
}

fn whose<'a>(new: &[&'a Entry], session: Option<&str>) -> Whose<'a> {
    let Some(session) = session else {
        return if new.is_empty() { Whose::Others } else { Whose::Unclear };
    };
    match new.iter().rev().find(|version| version.uploaded_by_session_id == session) {
        Some(version) => Whose::Ours(version),
        None if new.iter().any(|version| version.uploaded_by_session_id.is_empty()) => Whose::Unclear,
        None => Whose::Others,
    }
}

fn receipt(api: &Api, number: u64, sent: u64) -> Receipt {
    let version = VersionNumber(number);
    Receipt::new(version, sent, api::location(api, version))
}

fn wrong_size(version: &Entry, sent: u64) -> SinkError {
    let (number, size) = (version.version_number, version.filesize);
    let message = format!("the server registered v{number} with {size} bytes, but {sent} were sent");
    SinkError::new(SinkErrorKind::Corrupt, message)
        .with_help(format!("v{number} is listed but is not a complete backup: run the backup again"))
}
