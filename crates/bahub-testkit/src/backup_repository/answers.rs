//! The shapes of the server's answers.

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};

fn respond(status: StatusCode, content_type: &str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let content_type = content_type.parse().expect("content types here are plain ASCII");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn json(status: StatusCode, value: &Value) -> Response {
    respond(status, "application/json; charset=utf-8", format!("{value:#}"))
}

pub(super) fn bare(value: &Value) -> Response {
    json(StatusCode::OK, value)
}

pub(super) fn ok(data: Value) -> Response {
    json(StatusCode::OK, &json!({"status": true, "data": data}))
}

pub(super) fn error_with(status: StatusCode, text: &str, data: Value) -> Response {
    json(status, &json!({"status": false, "error": text, "data": data}))
}

pub(super) fn error(status: StatusCode, text: &str) -> Response {
    error_with(status, text, json!({}))
}

pub(super) fn forbidden(text: &str) -> Response {
    error(StatusCode::FORBIDDEN, text)
}

pub(super) fn not_found(text: &str) -> Response {
    error(StatusCode::NOT_FOUND, text)
}

pub(super) fn server_error(text: &str) -> Response {
    error(StatusCode::INTERNAL_SERVER_ERROR, text)
}

pub(super) fn unauthorized(message: &str) -> Response {
    let status = StatusCode::UNAUTHORIZED;
    let mut response = json(status, &json!({"status": false, "code": status.as_u16(), "message": message, "data": {}}));
    let realm = "JWT realm=backup-repository".parse().expect("plain ASCII");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
    response
}

pub(super) fn too_many_requests() -> Response {
    respond(StatusCode::TOO_MANY_REQUESTS, "text/plain; charset=utf-8", "Too many requests".to_owned())
}

pub(super) fn took_too_long() -> Response {
    error(StatusCode::REQUEST_TIMEOUT, "Request took too long")
}

pub(super) fn no_such_page() -> Response {
    respond(StatusCode::NOT_FOUND, "text/plain", "404 page not found".to_owned())
}
