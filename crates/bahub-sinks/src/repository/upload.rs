//! A version on its way to the server.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bahub_core::sink::{CommitError, Receipt, SinkError, SinkErrorKind, Upload};
use bytes::Bytes;
use futures::stream;
use reqwest::Body;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::answer::Answer;
use super::call;
use super::framer::Framer;
use super::listing;
use super::session::Session;
use super::settle::{self, Before, Ending};
use crate::http;

/// What travels to the request's body. A channel that closes without `End` breaks the connection: to the server a body
/// that is not finished registers nothing.
enum Part {
    Chunk(Bytes),
    End,
}

type Request = JoinHandle<Result<Answer, SinkError>>;

/// One request whose body comes bit by bit; a mebibyte at most is on its way inside this process.
pub(super) struct RepositoryUpload {
    session: Arc<Session>,
    before: Before,
    framer: Framer,
    parts: Option<mpsc::Sender<Part>>,
    request: Request,
    /// Whether the HTTP client took the body's end.
    ended: Arc<AtomicBool>,
    sent: u64,
}

impl RepositoryUpload {
    pub(super) async fn begin(session: Arc<Session>) -> Result<Self, SinkError> {
        let before = match listing::list(&session).await {
            Ok(versions) => Before::of(&versions),
            // It may still upload; only a lost answer could not be looked up.
            Err(error) if error.kind() == SinkErrorKind::Forbidden => Before::Unknown,
            Err(error) => return Err(error),
        };
        let (parts, queue) = mpsc::channel(4);
        let ended = Arc::new(AtomicBool::new(false));
        let request = send(&session, queue, Arc::clone(&ended));
        Ok(Self { session, before, framer: Framer::default(), parts: Some(parts), request, ended, sent: 0 })
    }

    async fn pass(&mut self, part: Part) -> Result<(), SinkError> {
        let Some(parts) = &self.parts else { return Err(self.over()) };
        let bytes = if let Part::Chunk(chunk) = &part { chunk.len() as u64 } else { 0 };
        let stall = self.session.api().patience().stall;
        let passed = tokio::select! {
            biased;
            answer = &mut self.request => Err(Some(answer)),
            passed = timeout(stall, parts.send(part)) => match passed {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(None),
                Err(_) => {
                    self.cut();
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
                self.parts = None;
                Err(self.early(answer))
            }
            // The client stopped reading the body: the answer is there, or about to be.
            Err(None) => {
                self.parts = None;
                let answer = timeout(stall, &mut self.request).await;
                Err(match answer {
                    Ok(answer) => self.early(answer),
                    Err(_) => self.stalled(),
                })
            }
        }
    }

    /// Breaks the connection.
    fn cut(&mut self) {
        self.parts = None;
        self.request.abort();
    }

    /// What an answer, or its lack, before the body's end means.
    fn early(&self, answer: Result<Result<Answer, SinkError>, tokio::task::JoinError>) -> SinkError {
        match answer {
            Ok(Ok(answer)) => answer.refusal(self.session.api(), &self.doing()),
            Ok(Err(error)) => {
                let message = format!("the upload broke after {} bytes: {error}", self.sent);
                SinkError::new(error.kind(), message)
                    .with_help("nothing was registered; run the backup again, and look at the server's log")
            }
            Err(error) => SinkError::new(SinkErrorKind::Other, "the upload broke off").with_source(error),
        }
    }

    fn doing(&self) -> String {
        format!("take the upload to collection \"{}\" after {} bytes", self.session.api().collection(), self.sent)
    }

    fn stalled(&self) -> SinkError {
        let api = self.session.api();
        let (seconds, place) = (api.patience().stall.as_secs_f64(), api.place());
        let message = format!("{place} took no more bytes for {seconds} s, after {} bytes", self.sent);
        SinkError::new(SinkErrorKind::Stalled, message)
            .with_help("look at the server and the network; stall_timeout of the access says how long to wait")
    }

    fn over(&self) -> SinkError {
        SinkError::new(SinkErrorKind::Other, "the upload has failed already, with the error that was reported")
    }

    /// Passes what is left, and waits for the answer.
    async fn end(&mut self) -> Ending {
        let rest: Vec<_> = std::mem::take(&mut self.framer).finish().collect();
        for part in rest.into_iter().map(Part::Chunk).chain([Part::End]) {
            if let Err(error) = self.pass(part).await {
                // An answer may overtake our own view of the body's end.
                return if self.has_ended() { Ending::Lost(error) } else { Ending::Refused(error) };
            }
        }
        self.parts = None;
        let patience = self.session.api().patience().answer;
        match timeout(patience, &mut self.request).await {
            Ok(Ok(Ok(answer))) => Ending::Answered(answer),
            Ok(broken) if self.has_ended() => Ending::Lost(self.early(broken)),
            Ok(broken) => Ending::Refused(self.early(broken)),
            Err(_) => {
                self.cut();
                let ended = self.has_ended();
                let error = if ended { call::no_answer(self.session.api()) } else { self.stalled() };
                if ended { Ending::Silent(error) } else { Ending::Refused(error) }
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

fn send(session: &Session, queue: mpsc::Receiver<Part>, ended: Arc<AtomicBool>) -> Request {
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
                None => Some((Err(io::Error::other("the upload was given up")), None)),
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
        self.cut();
        // Once the task is gone, so is the connection. One whose answer was taken must not be asked again.
        if !self.request.is_finished() {
            let _ = (&mut self.request).await;
        }
        Ok(())
    }
}
