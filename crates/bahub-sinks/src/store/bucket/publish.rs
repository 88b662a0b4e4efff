//! The commit: a version file is created under an unused number.

use std::time::Duration;

use bahub_core::sink::{CommitError, Receipt, SinkError, SinkErrorKind, VersionNumber};
use jiff::Timestamp;
use opendal::{Error, ErrorKind};

use super::fault::{answered, fault};
use super::objects::Objects;
use crate::store::layout::{self, VersionFile};

/// This many numbers are tried when others commit at the same time.
const NUMBERS: usize = 1000;
/// One number is tried this many times when its answer is lost.
const TRIES: u32 = 4;

/// Where numbers come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Numbering {
    /// The newest one plus one.
    Listed,
    /// The UTC time in seconds, if the keys may not list.
    Clock,
}

/// How an attempt for one number ended.
enum Tried {
    Created,
    Taken,
    Failed(CommitError),
}

/// What exists under a number.
enum Existing {
    Ours,
    Theirs,
    Nothing,
    Unreadable,
}

/// Creates the version file, and nothing if that fails.
pub(super) async fn publish(
    objects: &Objects,
    numbering: Numbering,
    file: &VersionFile,
) -> Result<Receipt, CommitError> {
    let outcome = create(objects, numbering, file).await;
    if let Err(CommitError::Refused(_)) = &outcome {
        // Without a version the message is an orphan; keys that may not delete leave it to prune.
        let doing = format!("remove {}", objects.location(&file.message));
        if let Err(error) = objects.done(&doing, objects.operators.retrying.delete(&file.message)).await {
            tracing::debug!(%error, "a message without a version was left");
        }
    }
    outcome
}

async fn create(objects: &Objects, numbering: Numbering, file: &VersionFile) -> Result<Receipt, CommitError> {
    let first = first(objects, numbering).await.map_err(CommitError::Refused)?;
    for number in (first..).take(NUMBERS) {
        match create_as(objects, file, number).await {
            Tried::Created => {
                let location = objects.location(&file.message);
                let mut receipt =
                    Receipt::new(VersionNumber(number), file.size, location).with_sha256(file.sha256.clone());
                receipt.warnings.extend(overwritable(objects, numbering, file, number).await);
                return Ok(receipt);
            }
            Tried::Taken => {}
            Tried::Failed(error) => return Err(error),
        }
    }
    let message = format!("no free number in {} after {NUMBERS} tries from v{first}", objects.place());
    Err(CommitError::Refused(SinkError::new(SinkErrorKind::Other, message)))
}

async fn first(objects: &Objects, numbering: Numbering) -> Result<u64, SinkError> {
    Ok(match numbering {
        Numbering::Listed => objects.numbers().await?.last().map_or(1, |newest| newest.saturating_add(1)),
        Numbering::Clock => u64::try_from(Timestamp::now().as_second()).unwrap_or(1),
    })
}

/// Checks whether keys that may only write could overwrite a version, which would go unnoticed. The same content is
/// written again, which harms nothing; a bucket with versioning keeps both.
async fn overwritable(objects: &Objects, numbering: Numbering, file: &VersionFile, number: u64) -> Option<String> {
    if matches!(numbering, Numbering::Listed) {
        return None;
    }
    let name = layout::version_file_name(number);
    let put = objects.operators.once.write_with(&name, file.encode(number)).content_type("application/json");
    match objects.timed("write", put).await {
        Ok(Ok(object)) if object.version().is_none_or(|version| version == "null") => Some(format!(
            "these keys may overwrite objects in {}: anyone who steals them can destroy every version; enable the \
             bucket's versioning or object lock, or require If-None-Match in its policy",
            objects.place()
        )),
        _ => None,
    }
}

/// A lost answer is looked up before anything is sent again; `If-None-Match` keeps a second attempt from overwriting.
async fn create_as(objects: &Objects, file: &VersionFile, number: u64) -> Tried {
    let mut unclear = false;
    let mut tries = 0;
    loop {
        tries += 1;
        let lost = match put(objects, file, number).await {
            Ok(()) => return Tried::Created,
            Err(Lost::Taken) if !unclear => return Tried::Taken,
            Err(lost) => lost,
        };
        match (look(objects, file, number).await, lost) {
            (Existing::Ours, _) => return Tried::Created,
            (Existing::Theirs, _) => return Tried::Taken,
            (_, Lost::No(error)) if !unclear => return Tried::Failed(CommitError::Refused(error)),
            (_, Lost::No(error)) => return Tried::Failed(CommitError::Unknown(error)),
            (_, Lost::Taken) => {
                let message = format!("v{number} exists, but cannot be read to check whether it is this upload");
                return Tried::Failed(CommitError::Unknown(SinkError::new(SinkErrorKind::Forbidden, message)));
            }
            (_, Lost::Busy(_) | Lost::Silent(_)) if tries < TRIES => {}
            (Existing::Nothing, Lost::Busy(error)) if !unclear => return Tried::Failed(CommitError::Refused(error)),
            (_, Lost::Busy(error) | Lost::Silent(error)) => return Tried::Failed(CommitError::Unknown(error)),
        }
        // Later attempts must distinguish our own earlier one from another writer's version.
        unclear |= true;
        tokio::time::sleep(Duration::from_millis(250 << tries)).await;
    }
}

/// Why a `PUT` failed.
enum Lost {
    /// The object exists already.
    Taken,
    /// The store refused, for good.
    No(SinkError),
    /// The store answered that it is not able to.
    Busy(SinkError),
    /// No answer came.
    Silent(SinkError),
}

async fn put(objects: &Objects, file: &VersionFile, number: u64) -> Result<(), Lost> {
    let name = layout::version_file_name(number);
    let doing = format!("create {}", objects.location(&name));
    let put = objects.operators.once.write_with(&name, file.encode(number));
    let put = put.if_not_exists(true).content_type("application/json");
    match objects.timed(&doing, put).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(classify(&error, &doing)),
        Err(silent) => Err(Lost::Silent(silent)),
    }
}

fn classify(error: &Error, doing: &str) -> Lost {
    match error.kind() {
        ErrorKind::ConditionNotMatch => Lost::Taken,
        _ if !error.is_temporary() => Lost::No(fault(error, doing)),
        _ if answered(error).is_some() => Lost::Busy(fault(error, doing)),
        _ => Lost::Silent(fault(error, doing)),
    }
}

async fn look(objects: &Objects, file: &VersionFile, number: u64) -> Existing {
    match objects.version(number).await {
        Ok(found) if found.message == file.message => Existing::Ours,
        Ok(_) => Existing::Theirs,
        Err(error) => match error.kind() {
            SinkErrorKind::NotFound => Existing::Nothing,
            SinkErrorKind::Corrupt => Existing::Theirs,
            _ => Existing::Unreadable,
        },
    }
}
