//! Sending a message in parts.

use std::time::Duration;

use bahub_core::sink::{SinkError, SinkErrorKind};
use bytes::Bytes;
use opendal::{Buffer, ErrorKind, Writer};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::fault::{fault, silent};
use super::objects::Objects;

/// How long an abandoned upload waits for the part in progress.
const LAST_PART: Duration = Duration::from_secs(10);

/// Sends one part while the next one is filled. A small message is a single `PUT`.
pub(super) struct Message {
    objects: Objects,
    name: String,
    state: State,
}

enum State {
    Idle(Box<Writer>),
    Sending(JoinHandle<(Box<Writer>, Result<(), SinkError>)>),
    /// Failed, finished or abandoned.
    Over,
}

impl Message {
    /// Nothing is sent yet.
    pub(super) async fn begin(objects: Objects, name: String) -> Result<Self, SinkError> {
        // A bucket's policy may require If-None-Match for every object; the name is new in any case.
        let doing = format!("write {}", objects.location(&name));
        let writer = objects.done(&doing, objects.operators.retrying.writer_with(&name).if_not_exists(true)).await?;
        Ok(Self { objects, name, state: State::Idle(Box::new(writer)) })
    }

    /// Sends a part in the background, once the previous one is done.
    pub(super) async fn part(&mut self, chunks: Vec<Bytes>) -> Result<(), SinkError> {
        let mut writer = self.idle().await?;
        let part = Buffer::from(chunks);
        let doing = format!("write {}", self.location());
        let patience = self.objects.patience(part.len());
        self.state = State::Sending(tokio::spawn(async move {
            let sent = match timeout(patience, writer.write(part)).await {
                Ok(sent) => sent.map_err(|error| fault(&error, &doing)),
                Err(_) => Err(silent(&doing, patience)),
            };
            (writer, sent)
        }));
        Ok(())
    }

    /// Makes it an object of this size.
    pub(super) async fn finish(mut self, size: u64, last_part: usize) -> Result<(), SinkError> {
        let mut writer = self.idle().await?;
        let patience = self.objects.patience(last_part);
        let doing = format!("complete {}", self.location());
        match timeout(patience, writer.close()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) if self.stands(size).await => Ok(()),
            Ok(Err(error)) => Err(self.give_up(writer, fault(&error, &doing)).await),
            Err(_) => Err(self.give_up(writer, silent(&doing, patience)).await),
        }
    }

    /// Gives up; what was sent is removed if the keys allow it.
    pub(super) async fn abort(mut self) -> Result<(), SinkError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Idle(writer) => abort(writer, &self.objects, &self.name).await,
            // The part in progress may be large and the store slow: what cannot be ended soon is left to its lifecycle rules.
            State::Sending(mut sending) => match timeout(LAST_PART, &mut sending).await {
                Ok(Ok((writer, _))) => abort(writer, &self.objects, &self.name).await,
                Ok(Err(error)) => Err(broken_off().with_source(error)),
                Err(_) => {
                    sending.abort();
                    Err(silent(&format!("end the upload of {}", self.location()), LAST_PART))
                }
            },
            State::Over => Ok(()),
        }
    }

    async fn idle(&mut self) -> Result<Box<Writer>, SinkError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Idle(writer) => Ok(writer),
            State::Sending(sending) => match sending.await {
                Ok((writer, Ok(()))) => Ok(writer),
                Ok((writer, Err(error))) => Err(self.give_up(writer, error).await),
                Err(error) => Err(broken_off().with_source(error)),
            },
            State::Over => Err(SinkError::new(
                SinkErrorKind::Other,
                "the upload has failed already, with the error that was reported",
            )),
        }
    }

    /// Aborts after a failure, which stays the first error.
    async fn give_up(&self, writer: Box<Writer>, error: SinkError) -> SinkError {
        if let Err(error) = abort(writer, &self.objects, &self.name).await {
            tracing::warn!(error = %error, "an incomplete upload was left to the bucket's lifecycle rules");
        }
        error
    }

    /// Whether the object exists all the same: an earlier attempt, whose answer was lost, created it, since the name is
    /// random.
    async fn stands(&self, size: u64) -> bool {
        let stat = self.objects.done("look", self.objects.operators.retrying.stat(&self.name)).await;
        stat.is_ok_and(|object| object.content_length() == size)
    }

    fn location(&self) -> String {
        self.objects.location(&self.name)
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Over);
        let (objects, name) = (self.objects.clone(), self.name.clone());
        let work = async move {
            let writer = match state {
                State::Idle(writer) => Some(writer),
                State::Sending(sending) => sending.await.ok().map(|(writer, _)| writer),
                State::Over => None,
            };
            if let Some(writer) = writer
                && let Err(error) = abort(writer, &objects, &name).await
            {
                tracing::warn!(error = %error, "an incomplete upload was left to the bucket's lifecycle rules");
            }
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(work);
        }
    }
}

/// An incomplete upload is not an object. Keys that may not abort leave its parts to the lifecycle rule
/// `AbortIncompleteMultipartUpload`.
async fn abort(mut writer: Box<Writer>, objects: &Objects, name: &str) -> Result<(), SinkError> {
    let doing = format!("abort the upload of {}", objects.location(name));
    match objects.timed(&doing, writer.abort()).await? {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            tracing::debug!(name, "the keys do not allow to abort an upload");
            Ok(())
        }
        Err(error) if error.kind() != ErrorKind::NotFound => Err(fault(&error, &doing)),
        _ => Ok(()),
    }
}

fn broken_off() -> SinkError {
    SinkError::new(SinkErrorKind::Other, "the upload was interrupted")
}
