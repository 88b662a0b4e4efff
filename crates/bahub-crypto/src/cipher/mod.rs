//! The bulk ciphers of both packet versions.

pub(crate) mod aead;
pub(crate) mod cfb;
mod fused;
pub(crate) mod mdc;

/// The block size in bytes of AES.
pub(crate) const BLOCK: usize = 16;

/// The bytes of a SHA-1.
pub(crate) const HASH: usize = 20;

/// The bytes that SHA-1 takes at once.
pub(crate) const STEP: usize = 64;

/// How many bytes go through a cipher at once, by default: the buffers stay in the second-level cache.
pub(crate) const WINDOW: usize = 64 * 1024;

/// AES-256 (RFC 9580 section 9.3).
pub(crate) const AES256: u8 = 9;
