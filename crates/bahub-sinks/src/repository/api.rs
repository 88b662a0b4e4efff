//! The server's paths and the shapes of its answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bahub_core::secret::{Scrubber, Secret};
use bahub_core::sink::{SinkError, Version, VersionNumber};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use url::{Host, Url};

use crate::http;

/// The timeouts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Without any byte moving.
    pub(super) stall: Duration,
    /// For an answer, once everything was sent.
    pub(super) answer: Duration,
}

/// One collection on one server, without credentials. Cheap to clone.
#[derive(Clone)]
pub(super) struct Api(Arc<Inner>);

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.collection(), self.place())
    }
}

struct Inner {
    client: Client,
    base: Url,
    collection: String,
    patience: Patience,
    ca: Option<String>,
    scrubber: Scrubber,
}

impl Api {
    pub(super) fn new(base: Url, collection: &str, patience: Patience, ca: Option<String>) -> Result<Self, SinkError> {
        let client = http::client(ca.as_deref())?;
        let collection = collection.to_owned();
        Ok(Self(Arc::new(Inner { client, base, collection, patience, ca, scrubber: Scrubber::default() })))
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(super) fn base(&self) -> &Url {
        &self.0.base
    }

    /// The server, for messages.
    pub(super) fn place(&self) -> &str {
        self.0.base.as_str().trim_end_matches('/')
    }

    pub(super) fn collection(&self) -> &str {
        &self.0.collection
    }

    pub(super) fn patience(&self) -> Patience {
        self.0.patience
    }

    pub(super) fn ca(&self) -> Option<&str> {
        self.0.ca.as_deref()
    }

    /// Replaces the secrets of this sink in a text from the server.
    pub(super) fn scrub(&self, text: &str) -> String {
        self.0.scrubber.scrub(text)
    }

    pub(super) fn learn(&self, secret: &Secret) {
        self.0.scrubber.learn(secret);
    }

    /// Whether only this host can reach it.
    pub(super) fn is_loopback(&self) -> bool {
        match self.0.base.host() {
            Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
            Some(Host::Ipv6(address)) => {
                address.is_loopback()
                    || address.is_unspecified()
                    || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
            }
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
            None => false,
        }
    }

    pub(super) fn post_login(&self) -> RequestBuilder {
        self.client().post(self.url(&["api", "stable", "auth", "login"]))
    }

    pub(super) fn get_whoami(&self) -> RequestBuilder {
        self.client().get(self.url(&["api", "stable", "auth", "whoami"]))
    }

    pub(super) fn delete_session(&self) -> RequestBuilder {
        self.client().delete(self.url(&["api", "stable", "auth", "logout"]))
    }

    pub(super) fn post_version(&self) -> RequestBuilder {
        self.client().post(self.versions("alpha"))
    }

    /// `stability` is `stable` in the server's code, `alpha` in its documents.
    pub(super) fn get_versions(&self, stability: &str) -> RequestBuilder {
        self.client().get(self.versions(stability))
    }

    pub(super) fn get_version(&self, version: VersionNumber) -> RequestBuilder {
        self.client().get(self.version_url(version))
    }

    fn version_url(&self, version: VersionNumber) -> Url {
        self.url(&["api", "alpha", "repository", "collection", self.collection(), "version", &version.to_string()])
    }

    fn versions(&self, stability: &str) -> Url {
        self.url(&["api", stability, "repository", "collection", self.collection(), "version"])
    }

    /// The collection's id stays one segment, whatever it contains.
    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.0.base.clone();
        url.path_segments_mut().expect("http and https URLs have a path").pop_if_empty().extend(segments);
        url
    }
}

/// An answer of success.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) data: T,
}

/// `data` of a login's answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoggedIn {
    pub(super) token: Secret,
    #[serde(default)]
    pub(super) session_id: Option<String>,
}

/// `data` of `whoami`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Whoami {
    #[serde(default)]
    pub(super) session_id: Option<String>,
}

/// `data` of an upload's answer.
#[derive(Debug, Deserialize)]
pub(super) struct Uploaded {
    pub(super) version: Entry,
}

/// `data` of a listing.
#[derive(Debug, Deserialize)]
pub(super) struct Listing {
    #[serde(default)]
    pub(super) versions: Option<Vec<Entry>>,
}

/// A version as the server describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) version_number: u64,
    #[serde(default)]
    pub(super) filesize: u64,
    #[serde(default)]
    pub(super) uploaded_by_session_id: String,
    #[serde(default, rename = "CreatedAt")]
    pub(super) created_at: Option<String>,
}

impl Entry {
    pub(super) fn to_version(&self, api: &Api) -> Version {
        let number = VersionNumber(self.version_number);
        let created = self.created_at.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
        Version::new(number, self.filesize, location(api, number)).with_created(created)
    }
}

/// Where a version is, for messages.
pub(super) fn location(api: &Api, version: VersionNumber) -> String {
    api.version_url(version).to_string()
}
