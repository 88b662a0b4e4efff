//! Error responses, with the server's message.

use bahub_core::advice::Advice;
use bahub_core::sink::{SinkError, SinkErrorKind};
use reqwest::StatusCode;
use serde_json::Value;

use super::api::Api;

/// At most this much of a body that is not the server's own JSON is shown; a proxy's page may be long.
const LONGEST: usize = 300;

/// An answer that was read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Reads the data of a success; `doing` completes "the server refused to ...".
    pub(super) fn data<T: serde::de::DeserializeOwned>(&self, api: &Api, doing: &str) -> Result<T, SinkError> {
        if self.status != StatusCode::OK {
            return Err(self.refusal(api, doing));
        }
        serde_json::from_slice::<super::api::Envelope<T>>(&self.body).map(|envelope| envelope.data).map_err(|error| {
            let message = format!("{} answered 200 with unexpected content, to {doing}: {error}", api.place());
            SinkError::new(SinkErrorKind::Other, message)
                .with_help("check that the url is that of a Backup Repository server")
        })
    }

    /// The server's status and message as an error.
    pub(super) fn refusal(&self, api: &Api, doing: &str) -> SinkError {
        let words = api.scrub(&self.words());
        let message = format!("{} refused to {doing}: {}{words}", api.place(), self.status.as_u16());
        SinkError::new(self.kind(), message).with_help_opt(self.help(api).map(Advice::from))
    }

    /// The message from the server's JSON, or the beginning of any other body.
    fn words(&self) -> String {
        let json = serde_json::from_slice::<Value>(&self.body).ok();
        let said = json.as_ref().and_then(|json| {
            ["error", "message"].iter().find_map(|field| json.get(field)?.as_str().filter(|text| !text.is_empty()))
        });
        let text = match said {
            Some(text) => text.to_owned(),
            None => String::from_utf8_lossy(&self.body).split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let text = if text.is_empty() { self.status.canonical_reason().unwrap_or_default().to_owned() } else { text };
        match text.char_indices().nth(LONGEST) {
            _ if text.is_empty() => text,
            Some((end, _)) => format!(" {}...", &text[..end]),
            None => format!(" {text}"),
        }
    }

    fn kind(&self) -> SinkErrorKind {
        match self.status.as_u16() {
            401 => SinkErrorKind::Unauthorized,
            403 => SinkErrorKind::Forbidden,
            404 => SinkErrorKind::NotFound,
            408 => SinkErrorKind::Stalled,
            502..=504 => SinkErrorKind::Unreachable,
            413 | 429 | 500 => SinkErrorKind::Refused,
            _ => SinkErrorKind::Other,
        }
    }

    fn help(&self, api: &Api) -> Option<&'static str> {
        Some(match self.status.as_u16() {
            300..=399 => "redirects are not followed: set url to the server's final address",
            401 => "check token, or username and password, of this access; tokens expire after 6 hours",
            403 => "the user needs the matching role on this collection, and uploads need an open backup window",
            404 if api.base().path().contains("/api") => "write the url without /api",
            404 => "check collection_id, and that the version exists: {list the versions}",
            413 => "raise the body limit of the proxy in front of the server (nginx: client_max_body_size 0)",
            429 => "the server limits requests (10 logins a minute for an address): wait a minute",
            _ => return None,
        })
    }
}
