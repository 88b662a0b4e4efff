use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};

use super::{
    answers,
    state::{Collection, Shared},
};

pub(super) async fn collection_health(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let state = shared.state();
    let Some(collection) = state.collections.get(&id) else {
        return answers::not_found("cannot find specified collection");
    };
    let given = query.get("code").map(String::as_str).filter(|code| !code.is_empty());
    let given = given.or_else(|| headers.get(header::AUTHORIZATION)?.to_str().ok());
    if collection.limits.health_secret.as_deref().is_some_and(|secret| given != Some(secret)) {
        return answers::forbidden("not authorized - invalid value of 'code' parameter in query string");
    }
    let checks = [
        ("BackupWindowValidator", backup_window(collection)),
        ("VersionsSizeValidator", versions_size(collection)),
        ("SumOfVersionsValidator", sum_of_versions(collection)),
    ];
    let healthy = checks.iter().all(|(_, outcome)| outcome.is_ok());
    let data = json!({"health": checks.map(|(name, outcome)| status(name, outcome))});
    if healthy {
        answers::ok(data)
    } else {
        answers::error_with(StatusCode::INTERNAL_SERVER_ERROR, "one of checks failed", data)
    }
}

fn status(name: &str, outcome: Result<(), String>) -> Value {
    json!({
        "name": name,
        "status": outcome.is_ok(),
        "statusText": format!("{name}={}", outcome.is_ok()),
        "message": outcome.err().unwrap_or_else(|| "OK".to_owned()),
    })
}

/// Only a closed window is simulated here; then a backup must have been made while it was open.
fn backup_window(collection: &Collection) -> Result<(), String> {
    match collection.versions.last() {
        _ if collection.limits.windows_open => Ok(()),
        Some(_) => Ok(()),
        None => Err("cannot find any backup in the collection".to_owned()),
    }
}

fn versions_size(collection: &Collection) -> Result<(), String> {
    match collection.versions.iter().find(|version| version.bytes > collection.limits.max_version_bytes) {
        None => Ok(()),
        Some(version) => Err(format!(
            "maximum filesize is bigger than collection soft limit per file. Failed file: {} (size={}b)",
            version.filename, version.bytes
        )),
    }
}

fn sum_of_versions(collection: &Collection) -> Result<(), String> {
    let sum: u64 = collection.versions.iter().map(|version| version.bytes).sum();
    let limit = collection.limits.total();
    if sum > limit {
        return Err(format!("Summary of all files is {sum}b, while collection hard limit is {limit}b"));
    }
    Ok(())
}
