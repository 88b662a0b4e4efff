//! Looking for bytes.

/// Whether these bytes are somewhere in those; no bytes are nowhere.
///
/// ```
/// use bahub_testkit::contains;
///
/// assert!(contains(b"PGPASSWORD=hunter22\0", b"hunter22"));
/// assert!(!contains(b"hunter2", b"hunter22") && !contains(b"anything", b""));
/// ```
pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    // Optimised in every profile: a watch over all processes looks through megabytes again and again.
    !needle.is_empty() && memchr::memmem::find(haystack, needle).is_some()
}
