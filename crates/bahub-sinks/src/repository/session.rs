//! Authentication: a token as it is, or one login per run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bahub_core::secret::Secret;
use bahub_core::sink::SinkError;
use reqwest::RequestBuilder;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::api::{Api, LoggedIn, Whoami};
use super::call::{Again, call};

/// A token lives 6 hours (according to the server's spec); a transfer that begins now with an older one might outlive it.
const RENEWAL: Duration = Duration::from_secs(2 * 3600);

/// The configured credentials.
#[derive(Debug)]
pub(super) enum Credentials {
    /// A token, used as it is; with its session if that is known.
    Token { token: Secret, session_id: Option<String> },
    /// A user, who logs in.
    Login { username: String, password: Secret },
}

/// What a token may do on its collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Upload and list.
    Uploader,
    /// Download and list.
    Downloader,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Uploader => "backupUploader",
            Self::Downloader => "backupDownloader",
        }
    }
}

/// Credentials, and the sessions that they opened: one for each role, shared by all operations until they are closed.
/// The server allows few logins per minute.
#[derive(Debug)]
pub(super) struct Sessions {
    credentials: Credentials,
    opened: Mutex<Vec<Opened>>,
}

#[derive(Debug)]
struct Opened {
    role: Role,
    since: Instant,
    session: Arc<Session>,
}

impl Sessions {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self { credentials, opened: Mutex::default() }
    }

    /// The session for this role; logs in if there is none, or only an old one.
    pub(super) async fn of(&self, api: &Api, role: Role) -> Result<Arc<Session>, SinkError> {
        let (username, password) = match &self.credentials {
            Credentials::Token { token, session_id } => {
                return Ok(Arc::new(Session::given(api, token.clone(), session_id.clone())));
            }
            Credentials::Login { username, password } => (username, password),
        };
        // Held while logging in, so that concurrent operations do not log in as well.
        let mut opened = self.opened.lock().await;
        if let Some(known) = opened.iter().find(|known| known.role == role && known.since.elapsed() < RENEWAL) {
            return Ok(Arc::clone(&known.session));
        }
        api.learn(password);
        let session = Arc::new(log_in(api, username, password, role).await?);
        opened.push(Opened { role, since: Instant::now(), session: Arc::clone(&session) });
        Ok(session)
    }

    /// Revokes every token from a login. One whose revocation fails expires by itself after 6 hours.
    pub(super) async fn close(&self) -> Result<(), SinkError> {
        let opened = std::mem::take(&mut *self.opened.lock().await);
        let mut first = Ok(());
        for Opened { session, .. } in opened {
            first = first.and(session.close().await);
        }
        first
    }
}

async fn log_in(api: &Api, username: &str, password: &Secret, role: Role) -> Result<Session, SinkError> {
    let scope = json!({"elements": [{"type": "collection", "name": api.collection(), "roles": [role.name()]}]});
    let body = json!({"username": username, "password": password.expose(), "operationsScope": scope});
    let answer = call(api, Again::Unsent, || api.post_login().json(&body)).await?;
    let logged_in: LoggedIn = answer.data(api, &format!("log in {username}"))?;
    api.learn(&logged_in.token);
    Ok(Session { api: api.clone(), token: logged_in.token, id: logged_in.session_id, revocable: true.into() })
}

/// A token in use. One from a login is revoked when it is closed or, at the latest, dropped.
#[derive(Debug)]
pub(super) struct Session {
    api: Api,
    token: Secret,
    id: Option<String>,
    revocable: AtomicBool,
}

impl Session {
    /// A token that is not ours to revoke.
    fn given(api: &Api, token: Secret, id: Option<String>) -> Self {
        api.learn(&token);
        Self { api: api.clone(), token, id, revocable: false.into() }
    }

    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    pub(super) fn token(&self) -> &Secret {
        &self.token
    }

    /// Adds the token to a request.
    pub(super) fn authorize(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(self.token.expose())
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The id by which the server's listing names the uploader; it is requested if the token came without one.
    pub(super) async fn identify(&self) -> Option<String> {
        if self.id.is_some() {
            return self.id.clone();
        }
        let answer = call(&self.api, Again::No, || self.authorize(self.api.get_whoami())).await.ok()?;
        let who: Whoami = answer.data(&self.api, "identify the token's user").ok()?;
        who.session_id
    }

    async fn close(&self) -> Result<(), SinkError> {
        if !self.revocable.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let (api, token) = (self.api.clone(), self.token.clone());
        // In its own task it completes even if the caller is dropped.
        tokio::spawn(async move { revoke(&api, &token).await }).await.unwrap_or(Ok(()))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !*self.revocable.get_mut() {
            return;
        }
        let (api, token) = (self.api.clone(), self.token.clone());
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = revoke(&api, &token).await {
                    tracing::warn!(server = api.place(), error = %error.chain(), "a token was not revoked");
                }
            });
        }
    }
}

/// Ends the session that this token belongs to.
async fn revoke(api: &Api, token: &Secret) -> Result<(), SinkError> {
    let answer = call(api, Again::Unsent, || api.delete_session().bearer_auth(token.expose())).await?;
    if answer.status.is_success() { Ok(()) } else { Err(answer.refusal(api, "revoke a token")) }
}
