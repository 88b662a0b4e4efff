use std::sync::Arc;

use axum::{
    Extension,
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    response::Response,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    answers,
    permissions::OperationsScope,
    session::{RecordedLogin, Session},
    state::{self, Shared},
    wire::Wire,
};

const LARGEST_LOGIN: usize = 64 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoginForm {
    username: String,
    password: String,
    operations_scope: Option<OperationsScope>,
}

/// The session whose valid token a request carries; without one the request ends in a 401.
#[derive(Debug)]
pub(super) struct Authenticated(pub(super) Session);

impl FromRequestParts<Arc<Shared>> for Authenticated {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Response> {
        authenticate(shared, &parts.headers).map(Self).map_err(answers::unauthorized)
    }
}

fn authenticate(shared: &Shared, headers: &HeaderMap) -> Result<Session, &'static str> {
    let header = headers.get(header::AUTHORIZATION).ok_or("auth header is empty")?;
    let token = header.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).ok_or("auth header is invalid")?;
    let state = shared.state();
    match state.sessions.iter().find(|session| session.token == token) {
        None => Err("signature is invalid"),
        Some(session) if session.is_expired() => Err("Token is expired"),
        // gin-jwt returns 403 here; the protocol's description, which is binding, only has 401 for a bad token.
        Some(session) if session.revoked => Err("you don't have permission to access this resource"),
        Some(session) => Ok(session.clone()),
    }
}

pub(super) async fn login(
    State(shared): State<Arc<Shared>>,
    Extension(wire): Extension<Arc<Wire>>,
    request: Request,
) -> Response {
    if !shared.admit_auth_attempt(wire.peer.ip()) {
        return answers::too_many_requests();
    }
    let Some(form) = read_form(request).await else {
        return answers::unauthorized("missing Username or Password");
    };
    let session = open_session(&shared, &form);
    let mut state = shared.state();
    state.logins.push(RecordedLogin {
        username: form.username,
        operations_scope: form.operations_scope,
        accepted: session.is_some(),
    });
    let Some(session) = session else {
        return answers::unauthorized("incorrect Username or Password");
    };
    let answer = json!({
        "token": session.token,
        "sessionId": session.id,
        "expire": rfc3339(&session),
        "msg": "Use this sessionId to revoke this token anytime",
    });
    state.sessions.push(session);
    answers::ok(answer)
}

async fn read_form(request: Request) -> Option<LoginForm> {
    let content_type = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    if content_type.split(';').next()?.trim() != "application/json" {
        return None;
    }
    let body = axum::body::to_bytes(request.into_body(), LARGEST_LOGIN).await.ok()?;
    let form: LoginForm = serde_json::from_slice(&body).ok()?;
    (!form.username.is_empty() && !form.password.is_empty()).then_some(form)
}

fn open_session(shared: &Shared, form: &LoginForm) -> Option<Session> {
    // `user$keyname`: the last dollar counts.
    let (name, access_key) = match form.username.rsplit_once('$') {
        Some((name, key)) if !key.is_empty() => (name, Some(key.to_owned())),
        Some((name, _)) => (name, None),
        None => (form.username.as_str(), None),
    };
    let state = shared.state();
    let user = state.users.get(name)?;
    let password = match &access_key {
        Some(key) => &user.access_keys.get(key)?.password,
        None => &user.password,
    };
    (*password == form.password).then(|| {
        let session = Session::new(name, access_key, form.operations_scope.clone());
        Session { logged_in: true, ..session }
    })
}

/// The time a token ends, in seconds and UTC.
fn rfc3339(session: &Session) -> String {
    session.expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(super) async fn whoami(State(shared): State<Arc<Shared>>, Authenticated(session): Authenticated) -> Response {
    let state = shared.state();
    let roles = state.users.get(&session.user).map(|user: &state::User| &user.roles);
    answers::ok(json!({
        "email": format!("{}@example.org", session.user),
        "permissions": roles,
        "sessionId": session.id,
        "grantedAccess": session.granted_access(),
    }))
}

pub(super) async fn refresh_token(
    State(shared): State<Arc<Shared>>,
    Extension(wire): Extension<Arc<Wire>>,
    headers: HeaderMap,
) -> Response {
    if !shared.admit_auth_attempt(wire.peer.ip()) {
        return answers::too_many_requests();
    }
    let session = match authenticate(&shared, &headers) {
        Ok(session) => session,
        Err(message) => return answers::unauthorized(message),
    };
    let refreshed = Session { logged_in: true, ..Session::new(&session.user, session.access_key, session.scope) };
    let answer = json!({"code": 200, "token": refreshed.token, "expire": rfc3339(&refreshed)});
    if shared.settings.accept_refreshed_tokens {
        shared.state().sessions.push(refreshed);
    }
    answers::bare(&answer)
}

pub(super) async fn logout(State(shared): State<Arc<Shared>>, Authenticated(session): Authenticated) -> Response {
    for known in shared.state().sessions.iter_mut().filter(|known| known.id == session.id) {
        known.revoked = true;
    }
    answers::ok(json!({"message": "JWT was revoked", "sessionId": session.id}))
}
