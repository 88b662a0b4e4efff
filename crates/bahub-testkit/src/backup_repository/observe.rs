//! What happens to every request before its handler sees it: it is recorded, and a fault may be applied.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};

use super::{
    answers,
    faults::{self, Effect, Operation},
    state::Shared,
    wire::Wire,
};

/// A request that the server has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path, without a query.
    pub path: String,
    /// Whether it carried an `Authorization` header.
    pub authorized: bool,
    /// The status of the answer; `None` while it is in progress, and for good if its connection broke before.
    pub status: Option<u16>,
}

/// The fault that a handler has to carry out, if any.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned(pub(super) Option<Effect>);

pub(super) async fn observe(
    State(shared): State<Arc<Shared>>,
    Extension(wire): Extension<Arc<Wire>>,
    mut request: Request,
    next: Next,
) -> Response {
    let number = record(&shared, &request);
    let operation = operation(&request);
    let effect = operation.and_then(|operation| faults::take(&mut shared.state().faults, operation));
    let mut response = match effect {
        Some(Effect::Refuse(refusal)) => refusal.response(),
        Some(Effect::Reset) => wire.reset().await,
        Some(Effect::Stall) => wire.stall().await,
        // axum answers HEAD where there is a GET; the real server does not.
        _ if request.method() == Method::HEAD => answers::no_such_page(),
        _ => {
            request.extensions_mut().insert(Planned(effect));
            next.run(request).await
        }
    };
    if operation == Some(Operation::Upload) && !response.status().is_success() {
        // The rest of the body is not read, so the connection serves no further request; the client must be informed.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    shared.state().requests[number].status = Some(response.status().as_u16());
    shared.happened.notify_waiters();
    response
}

fn record(shared: &Shared, request: &Request) -> usize {
    let mut state = shared.state();
    state.requests.push(RecordedRequest {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        authorized: request.headers().contains_key(header::AUTHORIZATION),
        status: None,
    });
    shared.happened.notify_waiters();
    state.requests.len() - 1
}

fn operation(request: &Request) -> Option<Operation> {
    let path = request.uri().path();
    let rest = path.strip_prefix("/api/stable/").or_else(|| path.strip_prefix("/api/alpha/"))?;
    let words: Vec<&str> = rest.split('/').collect();
    match (request.method().as_str(), words.as_slice()) {
        ("POST", ["auth", "login"]) => Some(Operation::Login),
        ("GET", ["auth", "whoami"]) => Some(Operation::Whoami),
        ("GET", ["auth", "refresh_token"]) => Some(Operation::RefreshToken),
        ("DELETE", ["auth", "logout"]) => Some(Operation::Logout),
        ("POST", ["repository", "collection", _, "version"]) => Some(Operation::Upload),
        ("GET", ["repository", "collection", _, "version"]) => Some(Operation::List),
        ("GET", ["repository", "collection", _, "version", _]) => Some(Operation::Download),
        ("GET", ["repository", "collection", _, "health"]) => Some(Operation::Health),
        _ => None,
    }
}
