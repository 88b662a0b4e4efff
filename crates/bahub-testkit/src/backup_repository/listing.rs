use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde_json::json;

use super::{answers, auth::Authenticated, state::Shared, storage::StoredVersion};

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Authenticated(session): Authenticated,
    Path(id): Path<String>,
) -> Response {
    let state = shared.state();
    let Some(collection) = state.collections.get(&id) else {
        return answers::not_found("cannot find specified collection");
    };
    if !state.permits(&session, &id, |actor| actor.may_list(&id)) {
        return answers::forbidden("not authorized to list versions");
    }
    let versions: Vec<_> = collection.versions.iter().map(StoredVersion::to_json).collect();
    answers::ok(json!({"versions": versions}))
}
