//! Matrix: <https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid>

use async_trait::async_trait;
use bahub_core::notifier::{Notification, Notifier, NotifyError};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use reqwest::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Endpoint;
use super::text::{both, cut_bytes};

/// An event of more than 65,536 bytes is refused.
const MAX_BODY: usize = 48_000;

/// A room of Matrix.
#[derive(Debug)]
pub(crate) struct Matrix {
    endpoint: Endpoint,
    token: Secret,
    room: String,
}

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MatrixConfig {
    /// The homeserver, for example `https://matrix.org`.
    url: Secret,
    /// The access token of the user who writes.
    token: Secret,
    /// The id of the room, for example `!abc:matrix.org`; the user must have joined it, and it must not be encrypted.
    #[schemars(length(min = 1))]
    room: String,
}

impl Component for Matrix {
    const TYPE: &'static str = "bahub.notifiers.matrix";
    const ALIASES: &'static [&'static str] = &["matrix"];
    const SUMMARY: &'static str = "A room of Matrix";
    const EXAMPLE: &'static str = "\
# The homeserver.
url: https://matrix.example.org
# The access token of the user who writes.
token: ${MATRIX_TOKEN}
# The id of a room that the user has joined, without encryption.
room: \"!backups:example.org\"
";
    type Config = MatrixConfig;
    type Context = ();

    fn from_config(config: MatrixConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        if !config.room.starts_with('!') {
            let error = SpecError::new("/room", "\"room\" must be the id of a room, which begins with \"!\"");
            return Err(vec![error.with_help("the settings of the room show it, in most clients below \"Advanced\"")]);
        }
        let endpoint = Endpoint::new(&config.url)?;
        endpoint.hide(&config.token);
        Ok(Self { endpoint, token: config.token, room: config.room })
    }
}

#[async_trait]
impl Notifier for Matrix {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        // The same for each try: the server takes a second one for the first.
        let transaction = format!("bahub-{}-{}", notification.occasion, notification.time.as_nanosecond());
        let path = ["_matrix", "client", "v3", "rooms", &self.room, "send", "m.room.message", &transaction];
        // No mentions, whatever a program wrote.
        let message =
            json!({ "msgtype": "m.text", "body": cut_bytes(&both(notification), MAX_BODY), "m.mentions": {} });
        let request = self.endpoint.request(Method::PUT, self.endpoint.below(&path)).json(&message);
        self.endpoint.send(request.bearer_auth(self.token.expose())).await.map(drop)
    }
}
