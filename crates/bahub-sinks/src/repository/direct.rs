//! The sink in an agent: reached without credentials, opened with a grant from the controller.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::agent::DirectSink;
use bahub_core::registry::Component;
use bahub_core::secret::{Secret, in_job};
use bahub_core::sink::{AgentSink, Sink, SinkError, SinkErrorKind};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use url::Url;

use super::api::{Api, Patience};
use super::session::{Credentials, Session, Sessions};
use super::{Repository, config};
use crate::http;

/// How long an agent tries to reach the server before the ciphertext is relayed.
const REACH: Duration = Duration::from_secs(15);

/// What an agent receives.
#[derive(Serialize, Deserialize)]
struct Grant {
    url: Url,
    collection: String,
    #[serde(with = "in_job")]
    token: Secret,
    /// The token's session, by which the server's listing identifies the uploader of a version.
    session_id: Option<String>,
    /// The certificates of `ca_file`: the agent's host does not have the file.
    ca: Option<String>,
    stall_ms: u64,
    answer_ms: u64,
}

/// Puts a session's token into a grant; it ends with the session.
pub(super) fn grant(session: &Session) -> Result<AgentSink, SinkError> {
    let api = session.api();
    let grant = Grant {
        url: api.base().clone(),
        collection: api.collection().to_owned(),
        token: session.token().clone(),
        session_id: session.id().map(str::to_owned),
        ca: api.ca().map(str::to_owned),
        stall_ms: api.patience().stall.as_millis() as u64,
        answer_ms: api.patience().answer.as_millis() as u64,
    };
    let text = serde_json::to_string(&grant).map_err(|_| senseless())?;
    let mut sink = AgentSink::new(Repository::TYPE, endpoint(api), Secret::new(text));
    sink.loopback = api.is_loopback();
    Ok(sink)
}

/// The URL; certificates of `ca_file` (no secret) are its fragment, so that TLS can be verified before there is a grant.
fn endpoint(api: &Api) -> String {
    let mut url = api.base().clone();
    // All of it: a URL drops newlines.
    url.set_fragment(api.ca().map(|ca| utf8_percent_encode(ca, NON_ALPHANUMERIC).to_string()).as_deref());
    url.into()
}

fn read(granted: &AgentSink) -> Result<Grant, SinkError> {
    serde_json::from_str(granted.grant.expose()).map_err(|_| senseless())
}

/// Shows nothing of the text: it contains a token.
fn senseless() -> SinkError {
    SinkError::new(SinkErrorKind::Other, "the grant for the Backup Repository server is malformed")
        .with_help("the controller and the agent must be of the same version")
}

/// Opens Backup Repository collections for an agent.
#[derive(Debug, Clone, Copy, Default)]
pub struct DirectRepository;

#[async_trait]
impl DirectSink for DirectRepository {
    fn kind(&self) -> &'static str {
        Repository::TYPE
    }

    async fn reach(&self, endpoint: &str) -> Result<(), SinkError> {
        let wrong = || SinkError::new(SinkErrorKind::Other, "the endpoint is not a URL");
        let mut url = Url::parse(endpoint).map_err(|_| wrong())?;
        let ca = url.fragment().map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
        url.set_fragment(None);
        let client = http::client(ca.as_deref())?;
        // Any answer will do: it came over a connection whose TLS was verified.
        match timeout(REACH, client.head(url.clone()).send()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(http::fault(error, url.as_str())),
            Err(_) => Err(SinkError::new(
                SinkErrorKind::Unreachable,
                format!("{url} does not answer within {} s", REACH.as_secs()),
            )),
        }
    }

    fn open(&self, granted: &AgentSink) -> Result<Arc<dyn Sink>, SinkError> {
        let grant = read(granted)?;
        let url = config::base(grant.url.as_str()).map_err(|_| senseless())?;
        let patience =
            Patience { stall: Duration::from_millis(grant.stall_ms), answer: Duration::from_millis(grant.answer_ms) };
        let api = Api::new(url, &grant.collection, patience, grant.ca)?;
        Ok(Arc::new(Repository {
            api,
            sessions: Sessions::new(Credentials::Token { token: grant.token, session_id: grant.session_id }),
        }))
    }
}
