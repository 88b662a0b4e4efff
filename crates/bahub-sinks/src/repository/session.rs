//! Being let in: a token as it is, or a login for one operation.

use bahub_core::secret::Secret;
use bahub_core::sink::SinkError;
use reqwest::RequestBuilder;
use serde_json::json;
use tokio::runtime::Handle;

use super::api::{Api, LoggedIn};
use super::call::{Again, call};

/// What the configuration brings.
#[derive(Debug)]
pub(super) enum Credentials {
    /// A token, used as it is.
    Token(Secret),
    /// A user, who logs in for each operation.
    Login { username: String, password: Secret },
}

/// What a token may do on its collection.
#[derive(Debug, Clone, Copy)]
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

impl Credentials {
    pub(super) async fn open(&self, api: &Api, role: Role) -> Result<Session, SinkError> {
        match self {
            Self::Token(token) => Ok(Session::given(api, token.clone())),
            Self::Login { username, password } => {
                api.learn(password);
                log_in(api, username, password, role).await
            }
        }
    }
}

async fn log_in(api: &Api, username: &str, password: &Secret, role: Role) -> Result<Session, SinkError> {
    let scope = json!({"elements": [{"type": "collection", "name": api.collection(), "roles": [role.name()]}]});
    let body = json!({"username": username, "password": password.expose(), "operationsScope": scope});
    let answer = call(api, Again::Unsent, || api.post_login().json(&body)).await?;
    let logged_in: LoggedIn = answer.data(api, &format!("log in {username}"))?;
    api.learn(&logged_in.token);
    Ok(Session { api: api.clone(), token: logged_in.token, id: logged_in.session_id, revocable: true })
}

/// A token in use. One that a login gave is revoked by [`Session::close`]; dropped without it, in the background.
#[derive(Debug)]
pub(super) struct Session {
    api: Api,
    token: Secret,
    id: Option<String>,
    revocable: bool,
}

impl Session {
    /// A token that is not ours to revoke.
    pub(super) fn given(api: &Api, token: Secret) -> Self {
        api.learn(&token);
        Self { api: api.clone(), token, id: None, revocable: false }
    }

    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    /// Adds the token to a request.
    pub(super) fn authorize(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(self.token.expose())
    }

    /// Whether an upload was made by this session; `true` where that cannot be told.
    pub(super) fn made(&self, uploaded_by: &str) -> bool {
        uploaded_by.is_empty() || self.id.as_deref().is_none_or(|id| id == uploaded_by)
    }

    /// Gives the token away, together with the duty to revoke it.
    pub(super) fn hand_over(mut self) -> (Secret, bool) {
        let revocable = std::mem::take(&mut self.revocable);
        (self.token.clone(), revocable)
    }

    /// Revokes the token if a login gave it. A failure is logged: the token ends by itself after 6 hours.
    pub(super) async fn close(mut self) {
        if std::mem::take(&mut self.revocable) {
            let (api, token) = (self.api.clone(), self.token.clone());
            // In a task of its own it is carried through even if the caller is dropped.
            let _ = tokio::spawn(async move { revoke_and_log(&api, &token).await }).await;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.revocable {
            return;
        }
        let (api, token) = (self.api.clone(), self.token.clone());
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { revoke_and_log(&api, &token).await });
        }
    }
}

async fn revoke_and_log(api: &Api, token: &Secret) {
    if let Err(error) = revoke(api, token).await {
        tracing::warn!(server = api.place(), error = %error.chain(), "a token was not revoked");
    }
}

/// Ends the session that this token belongs to.
pub(super) async fn revoke(api: &Api, token: &Secret) -> Result<(), SinkError> {
    let answer = call(api, Again::Unsent, || api.delete_session().bearer_auth(token.expose())).await?;
    if answer.status.is_success() { Ok(()) } else { Err(answer.refusal(api, "revoke a token")) }
}
