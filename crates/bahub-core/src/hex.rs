//! Hexadecimal digits.

use std::fmt::Write;

/// These bytes as lower-case hexadecimal digits, two for each.
///
/// ```
/// assert_eq!(bahub_core::hex::encode(&[0x0a, 0xff]), "0aff");
/// ```
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether a text is exactly this many hexadecimal digits, of either case.
///
/// ```
/// assert!(bahub_core::hex::is_hex("0aFF", 4) && !bahub_core::hex::is_hex("0aff", 8));
/// ```
pub fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
