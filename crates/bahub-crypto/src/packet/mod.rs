//! The frame around data: packet headers and body lengths (RFC 9580 section 4.2).

pub(crate) mod body;
pub(crate) mod envelope;
pub(crate) mod header;

/// Public-key encrypted session key.
pub(crate) const PKESK: u8 = 1;
/// Signature.
pub(crate) const SIGNATURE: u8 = 2;
/// Symmetric-key encrypted session key.
pub(crate) const SKESK: u8 = 3;
/// One-pass signature.
pub(crate) const ONE_PASS_SIGNATURE: u8 = 4;
/// Compressed data.
pub(crate) const COMPRESSED: u8 = 8;
/// Encrypted data without integrity protection.
pub(crate) const SED: u8 = 9;
/// Marker.
pub(crate) const MARKER: u8 = 10;
/// Literal data.
pub(crate) const LITERAL: u8 = 11;
/// Encrypted and integrity protected data.
pub(crate) const SEIPD: u8 = 18;
/// Modification detection code.
pub(crate) const MDC: u8 = 19;
/// LibrePGP's own AEAD packet.
pub(crate) const LIBREPGP_OCB: u8 = 20;
/// Padding.
pub(crate) const PADDING: u8 = 21;
