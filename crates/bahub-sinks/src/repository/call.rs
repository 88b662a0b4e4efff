//! Small requests: sent, answered, and retried if that is safe.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use bahub_core::sink::{SinkError, SinkErrorKind};
use reqwest::{RequestBuilder, Response, StatusCode};
use tokio::time::timeout;

use super::answer::Answer;
use super::api::Api;
use crate::http;

/// The maximal length of a listing.
const LARGEST_ANSWER: usize = 16 << 20;

/// When a request is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It changes nothing: after any failure.
    Harmless,
    /// Only if it never reached the server, or was rejected by the rate limit.
    Unsent,
    /// Never.
    No,
}

/// Sends a request until it has an answer that a retry would not improve.
pub(super) async fn call(api: &Api, again: Again, request: impl Fn() -> RequestBuilder) -> Result<Answer, SinkError> {
    with_retries(api, again, request, read).await
}

/// As [`call`], with the body of a success unread.
pub(super) async fn open(
    api: &Api,
    again: Again,
    request: impl Fn() -> RequestBuilder,
) -> Result<Result<Response, Answer>, SinkError> {
    let read = async |api: &Api, response: Response| match response.status() {
        StatusCode::OK => Ok(Ok(response)),
        _ => read(api, response).await.map(Err),
    };
    with_retries(api, again, request, read).await
}

trait Status {
    fn status(&self) -> StatusCode;
}

impl Status for Answer {
    fn status(&self) -> StatusCode {
        self.status
    }
}

impl Status for Result<Response, Answer> {
    fn status(&self) -> StatusCode {
        self.as_ref().map_or_else(|answer| answer.status, Response::status)
    }
}

async fn with_retries<T: Status>(
    api: &Api,
    again: Again,
    request: impl Fn() -> RequestBuilder,
    read: impl AsyncFn(&Api, Response) -> Result<T, SinkError>,
) -> Result<T, SinkError> {
    // 1/4, 1/2, 1, 2 s after failures; up to a minute in all for a rate limit, whose window is a minute.
    let builder = ExponentialBuilder::new().with_min_delay(Duration::from_millis(250)).with_jitter();
    let delays = builder.with_max_delay(Duration::from_secs(16)).with_max_times(8).build();
    for (tried, delay) in delays.enumerate() {
        let (outcome, retry) = once(api, again, &request, &read).await;
        if retry.is_none_or(|limit| tried >= limit) {
            return outcome;
        }
        tracing::warn!("retrying {} in {:.1} s: {}", api.place(), delay.as_secs_f64(), why(&outcome));
        tokio::time::sleep(delay).await;
    }
    once(api, again, &request, &read).await.0
}

fn why<T: Status>(outcome: &Result<T, SinkError>) -> String {
    match outcome {
        Ok(answer) if answer.status() == StatusCode::TOO_MANY_REQUESTS => "it limits the rate of requests".into(),
        Ok(answer) => format!("it answered {}", answer.status()),
        Err(error) => error.to_string(),
    }
}

/// Returns the outcome, and how often such an outcome may be retried.
async fn once<T: Status>(
    api: &Api,
    again: Again,
    request: &impl Fn() -> RequestBuilder,
    read: &impl AsyncFn(&Api, Response) -> Result<T, SinkError>,
) -> (Result<T, SinkError>, Option<usize>) {
    const BROKEN: usize = 4;
    const LIMITED: usize = 8;
    let harmless = again == Again::Harmless;
    let response = match timeout(api.patience().answer, request().send()).await {
        Err(_) => return (Err(no_answer(api)), None),
        Ok(Err(error)) => {
            let retry = harmless || (error.is_connect() && again == Again::Unsent);
            return (Err(http::fault(error, api.place())), retry.then_some(BROKEN));
        }
        Ok(Ok(response)) => response,
    };
    match read(api, response).await {
        Ok(answer) => {
            let retry = match answer.status().as_u16() {
                429 if again != Again::No => Some(LIMITED),
                500..=599 if harmless => Some(BROKEN),
                _ => None,
            };
            (Ok(answer), retry)
        }
        Err(error) => (Err(error), harmless.then_some(BROKEN)),
    }
}

/// Reads an answer to its end.
pub(super) async fn read(api: &Api, mut response: Response) -> Result<Answer, SinkError> {
    let status = response.status();
    let mut body = Vec::new();
    while body.len() < LARGEST_ANSWER {
        match timeout(api.patience().stall, response.chunk()).await {
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            Ok(Ok(None)) => break,
            // The status of a refusal is enough.
            _ if status != StatusCode::OK => break,
            Ok(Err(error)) => return Err(http::fault(error, api.place())),
            Err(_) => return Err(no_answer(api)),
        }
    }
    Ok(Answer { status, body })
}

/// The error of a server that went silent.
pub(super) fn no_answer(api: &Api) -> SinkError {
    SinkError::new(SinkErrorKind::Stalled, format!("{} does not answer", api.place()))
        .with_help("the server accepted the connection but does not respond: check its log")
}
