use std::hash::{BuildHasher, RandomState};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::permissions::OperationsScope;

/// How long a token lives.
const LIFETIME: SignedDuration = SignedDuration::from_hours(6);

/// A granted token, including revoked ones: the real server keeps them for auditing.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) token: String,
    pub(super) id: String,
    pub(super) user: String,
    pub(super) access_key: Option<String>,
    pub(super) scope: Option<OperationsScope>,
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) revoked: bool,
    /// Whether a login opened it, rather than the test itself.
    pub(super) logged_in: bool,
}

impl Session {
    pub(super) fn new(user: &str, access_key: Option<String>, scope: Option<OperationsScope>) -> Self {
        let created = Timestamp::now();
        Self {
            token: format!("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{}.{}", random_hex(), random_hex()),
            id: random_hex() + &random_hex(),
            user: user.to_owned(),
            access_key,
            scope,
            created,
            expires: created + LIFETIME,
            revoked: false,
            logged_in: false,
        }
    }

    pub(super) fn is_expired(&self) -> bool {
        Timestamp::now() >= self.expires
    }

    pub(super) fn granted_access(&self) -> Value {
        json!({
            "id": self.id,
            "expiresAt": self.expires.to_string(),
            "deactivated": self.revoked,
            "description": "Login",
            "requesterIP": "127.0.0.1",
            "user": self.user,
            "accessKeyName": self.access_key.as_deref().unwrap_or_default(),
            "CreatedAt": self.created.to_string(),
            "UpdatedAt": self.created.to_string(),
            "DeletedAt": null,
        })
    }
}

/// A session opened by a login that is neither revoked nor expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveSession {
    /// The session's identifier, as in the login's answer.
    pub id: String,
    /// The user's name, without an access key's.
    pub user: String,
    /// The name of the access key that was used.
    pub access_key: Option<String>,
    /// The token's scope.
    pub scope: Option<OperationsScope>,
}

/// A login attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedLogin {
    /// The name as it was sent: `user`, or `user$keyname`.
    pub username: String,
    /// The requested scope of the token.
    pub operations_scope: Option<OperationsScope>,
    /// Whether a token was granted.
    pub accepted: bool,
}

/// 128 bits that differ for each call; enough to name things in a test.
pub(super) fn random_hex() -> String {
    let half = || RandomState::new().hash_one(Timestamp::now().as_nanosecond());
    format!("{:016x}{:016x}", half(), half())
}

pub(super) fn random_uuid() -> String {
    let hex = random_hex();
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
