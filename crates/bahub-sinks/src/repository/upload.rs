//! Uploading a version to the server.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::sink::{CommitError, Receipt, SinkError, SinkErrorKind, Upload};
use bytes::Bytes;
use futures::stream;
use reqwest::Body;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

use super::answer::Answer;
use super::call;
use super::framer::Framer;
use super::listing;
use super::session::Session;
use super::settle::{self, Before, Ending};
use crate::http;

/// A message to the request's body. A channel that closes without `End` breaks the connection: the server does not
/// register an unfinished body.
enum Part {
    Chunk(Bytes),
    End,
}

/// The request's answer, once it comes.
type Answering = JoinHandle<Result<Answer, SinkError>>;

/// The request of an upload.
enum Request {
    /// Nothing was sent.
    Waiting,
    /// Its body is being sent.
    Sending { parts: mpsc::Sender<Part>, answer: Answering },
    /// It is finished, or was abandoned.
    Over,
}

/// One request with a streamed body; at most a mebibyte is buffered inside this process.
///
/// It is sent with the first bytes, not before: a workload is stopped between the begin and the first byte, and proxies give
/// up on a request whose body does not arrive.
pub(super) struct RepositoryUpload {
    session: Arc<Session>,
    before: Before,
    framer: Framer,
    request: Request,
    /// Whether the HTTP client took the body's end.
    ended: Arc<AtomicBool>,
    sent: u64,
}

impl RepositoryUpload {
    pub(super) async fn begin(session: Arc<Session>) -> Result<Self, SinkError> {
        let before = match listing::list(&session).await {
            Ok(versions) => Before::of(&versions),
            // The token may still upload; only a lost answer could not be looked up.
            Err(error) if error.kind() == SinkErrorKind::Forbidden => Before::Unknown,
            Err(error) => return Err(error),
        };
        Ok(Self {
            session,
            before,
            framer: Framer::default(),
            request: Request::Waiting,
            ended: Arc::new(AtomicBool::new(false)),
            sent: 0,
        })
    }

    /// The sender to the body, and the answer, which may come early.
    fn sending(&mut self) -> Result<(&mpsc::Sender<Part>, &mut Answering), SinkError> {
        if let Request::Waiting = self.request {
            let (parts, queue) = mpsc::channel(4);
            let answer = send(&self.session, queue, Arc::clone(&self.ended));
            self.request = Request::Sending { parts, answer };
        }
        match &mut self.request {
            Request::Sending { parts, answer } => Ok((parts, answer)),
            _ => Err(SinkError::new(
                SinkErrorKind::Other,
                "the upload has failed already, with the error that was reported",
            )),
        }
    }

    async fn pass(&mut self, part: Part) -> Result<(), SinkError> {
        let bytes = if let Part::Chunk(chunk) = &part { chunk.len() as u64 } else { 0 };
        let stall = self.session.api().patience().stall;
        let (parts, answer) = self.sending()?;
        let passed = tokio::select! {
            biased;
            answer = answer => Err(Some(answer)),
            passed = timeout(stall, parts.send(part)) => match passed {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(None),
                Err(_) => {
                    self.cut().await;
                    return Err(self.stalled());
                }
            },
        };
        match passed {
            Ok(()) => {
                self.sent += bytes;
                Ok(())
            }
            Err(Some(answer)) => {
                self.request = Request::Over;
                Err(self.early(answer))
            }
            // The client stopped reading the body: the answer has arrived, or is about to.
            Err(None) => Err(match self.answer(stall).await {
                Some(answer) => self.early(answer),
                None => self.stalled(),
            }),
        }
    }

    /// Ends the body, complete or not, and waits this long for the answer; the request is over in any case.
    async fn answer(&mut self, patience: Duration) -> Option<Result<Result<Answer, SinkError>, JoinError>> {
        let mut answer = match std::mem::replace(&mut self.request, Request::Over) {
            Request::Sending { answer, .. } => answer,
            Request::Waiting | Request::Over => return None,
        };
        let answered = timeout(patience, &mut answer).await.ok();
        if answered.is_none() {
            answer.abort();
        }
        answered
    }

    /// Breaks the connection. Once the task is gone, so is the connection.
    async fn cut(&mut self) {
        if let Request::Sending { answer, .. } = std::mem::replace(&mut self.request, Request::Over) {
            answer.abort();
            let _ = answer.await;
        }
    }

    /// The meaning of an answer before the body's end, or of its absence.
    fn early(&self, answer: Result<Result<Answer, SinkError>, JoinError>) -> SinkError {
        match answer {
            Ok(Ok(answer)) => answer.refusal(self.session.api(), &self.doing()),
            Ok(Err(error)) => {
                let message = format!("the upload broke after {} bytes: {error}", self.sent);
                SinkError::new(error.kind(), message)
                    .with_help("nothing was registered; check the server's log and run the backup again")
            }
            Err(error) => SinkError::new(SinkErrorKind::Other, "the upload was interrupted").with_source(error),
        }
    }

    fn doing(&self) -> String {
        format!("accept the upload to collection \"{}\" after {} bytes", self.session.api().collection(), self.sent)
    }

    fn stalled(&self) -> SinkError {
        let api = self.session.api();
        let (seconds, place) = (api.patience().stall.as_secs_f64(), api.place());
        let message = format!("{place} accepted no more data for {seconds} s, after {} bytes", self.sent);
        SinkError::new(SinkErrorKind::Stalled, message)
            .with_help("check the server and the network; stall_timeout of the access sets how long to wait")
    }

    /// Passes what is left, and waits for the answer.
    async fn end(&mut self) -> Ending {
        let rest: Vec<_> = std::mem::take(&mut self.framer).finish().collect();
        for part in rest.into_iter().map(Part::Chunk).chain([Part::End]) {
            if let Err(error) = self.pass(part).await {
                // An answer may overtake our own view of the body's end.
                return if self.has_ended() { Ending::Lost(error.with_help_opt(None)) } else { Ending::Refused(error) };
            }
        }
        let patience = self.session.api().patience().answer;
        // Dropping its sender ends the body.
        match self.answer(patience).await {
            Some(Ok(Ok(answer))) => Ending::Answered(answer),
            Some(broken) if self.has_ended() => Ending::Lost(self.early(broken).with_help_opt(None)),
            Some(broken) => Ending::Refused(self.early(broken)),
            None if self.has_ended() => Ending::Silent(call::no_answer(self.session.api())),
            None => Ending::Refused(self.stalled()),
        }
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

fn send(session: &Session, queue: mpsc::Receiver<Part>, ended: Arc<AtomicBool>) -> Answering {
    let body = stream::unfold(Some(queue), move |queue| {
        let ended = Arc::clone(&ended);
        async move {
            let mut queue = queue?;
            match queue.recv().await {
                Some(Part::Chunk(chunk)) => Some((Ok(chunk), Some(queue))),
                Some(Part::End) => {
                    ended.store(true, Ordering::Release);
                    None
                }
                None => Some((Err(io::Error::other("the upload was abandoned")), None)),
            }
        }
    });
    let request = session.authorize(session.api().post_version());
    let request = request.header(reqwest::header::CONTENT_TYPE, "application/pgp-encrypted");
    let request = request.body(Body::wrap_stream(body));
    let api = session.api().clone();
    tokio::spawn(async move {
        match request.send().await {
            Ok(response) => call::read(&api, response).await,
            Err(error) => Err(http::fault(error, api.place())),
        }
    })
}

#[async_trait]
impl Upload for RepositoryUpload {
    async fn write(&mut self, mut chunk: Bytes) -> Result<(), SinkError> {
        while !chunk.is_empty() {
            let now = chunk.split_to(chunk.len().min(self.framer.room()));
            if let Some(chunk) = self.framer.push(&now) {
                self.pass(Part::Chunk(chunk)).await?;
            }
        }
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<Receipt, CommitError> {
        let ending = self.end().await;
        let Self { session, before, sent, .. } = *self;
        settle::settle(&session, &before, sent, ending).await
    }

    async fn abort(mut self: Box<Self>) -> Result<(), SinkError> {
        self.cut().await;
        Ok(())
    }
}
