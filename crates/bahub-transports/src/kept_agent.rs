//! The name of an agent that stays where it was placed (`keep_agent`).

use bahub_core::hex;
use sha2::{Digest, Sha256};

/// The SHA-256 of a file's content, in hexadecimal digits.
pub(crate) fn sha256(content: &[u8]) -> String {
    hex::encode(&Sha256::digest(content))
}

/// The folder of a program with this hash. An agent in it does not remove itself.
pub(crate) fn folder_name(hash: &str) -> String {
    format!("bahub-agent-{hash}")
}
