//! The address of a service: a secret, because whoever has it may write there.

use std::fmt;
use std::time::Duration;

use bahub_core::notifier::{NotifyError, NotifyErrorKind};
use bahub_core::registry::SpecError;
use bahub_core::secret::{Scrubber, Secret};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use url::Url;

/// How long one try may take.
const TRY: Duration = Duration::from_secs(20);
/// How much of an answer that refuses is read, and shown.
const MAX_READ: usize = 4096;
const MAX_SHOWN: usize = 200;
/// The shortest part of an address that is taken for a secret.
const SHORTEST_PART: usize = 10;

/// Where a service is, and what talks to it.
pub(super) struct Endpoint {
    client: Client,
    url: Url,
    /// The scheme and host, for messages.
    origin: String,
    scrubber: Scrubber,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// The service at this address, which stands at `url` of its configuration.
    ///
    /// # Errors
    /// If that is no address of HTTP.
    pub(super) fn new(address: &Secret) -> Result<Self, Vec<SpecError>> {
        let wrong = |message: &str| {
            vec![
                SpecError::new("/url", message)
                    .with_help("write it whole, for example https://hooks.example.org/services/..."),
            ]
        };
        let url = Url::parse(address.expose()).map_err(|_| wrong("\"url\" is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong("\"url\" must begin with https:// or http://"));
        }
        let client = bahub_http::client(None).map_err(|error| vec![SpecError::new("/url", error.chain())])?;
        let scrubber = Scrubber::default();
        scrubber.learn(address);
        url.password().into_iter().for_each(|password| scrubber.learn(&Secret::new(password)));
        let query: Vec<_> = url.query_pairs().map(|(_, value)| value.into_owned()).collect();
        let parts = url.path_segments().into_iter().flatten().map(str::to_owned).chain(query);
        parts.filter(|part| part.len() >= SHORTEST_PART).for_each(|part| scrubber.learn(&Secret::new(part)));
        Ok(Self { client, origin: url.origin().ascii_serialization(), url, scrubber })
    }

    /// Keeps a secret out of messages, for example a token in a header.
    pub(super) fn hide(&self, secret: &Secret) {
        self.scrubber.learn(secret);
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The address below this one: its path with these segments added.
    pub(super) fn below(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    pub(super) fn post(&self, url: Url) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url).timeout(TRY)
    }

    /// Sends it, and makes sure that the service took it.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Answer, NotifyError> {
        let answer = request.send().await.map_err(|error| {
            let timed_out = error.is_timeout();
            let error = bahub_http::unreachable(error, &self.origin);
            let message = match timed_out {
                true => format!("{} did not answer within {} s", self.origin, TRY.as_secs()),
                false => error.chain(),
            };
            NotifyError::new(NotifyErrorKind::Temporary, self.scrubber.scrub(&message))
        })?;
        let status = answer.status();
        let location = answer.headers().get("location").and_then(|to| to.to_str().ok()).map(str::to_owned);
        let text = start_of(answer).await;
        if status.is_success() {
            return Ok(Answer { status, text: self.shown(&text) });
        }
        let mut message = format!("{} answered {status}", self.origin);
        if let Some(to) = location.and_then(|to| self.url.join(&to).ok()).filter(|_| status.is_redirection()) {
            message.push_str(&format!(": it redirects to {}; use that address", to.origin().ascii_serialization()));
        }
        let shown = self.shown(&text);
        if !shown.is_empty() {
            message.push_str(&format!(": {shown}"));
        }
        let kind = if may_work_later(status) { NotifyErrorKind::Temporary } else { NotifyErrorKind::Refused };
        Err(NotifyError::new(kind, self.scrubber.scrub(&message)))
    }

    /// The beginning of a text, without secrets: cut only then, so that no half of one is left.
    fn shown(&self, text: &[u8]) -> String {
        let scrubbed = self.scrubber.scrub(&String::from_utf8_lossy(text));
        scrubbed.trim().chars().take(MAX_SHOWN).collect()
    }

    /// The error of a service that took a request and did nothing with it.
    pub(super) fn ignored(&self, why: &str) -> NotifyError {
        NotifyError::new(NotifyErrorKind::Refused, format!("{} took it and passed nothing on: {why}", self.origin))
    }
}

/// What a service answered to a request that it took.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The beginning of its text.
    pub(super) text: String,
}

fn may_work_later(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS)
}

/// The beginning of an answer; one that breaks off, or never ends, is no reason to send again.
async fn start_of(mut answer: Response) -> Vec<u8> {
    let mut text = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        text.extend_from_slice(&chunk);
        if text.len() >= MAX_READ {
            break;
        }
    }
    text
}
