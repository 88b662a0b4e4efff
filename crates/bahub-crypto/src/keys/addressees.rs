//! Who a message is for, for reports.

use bahub_core::keys::KeyError;

use super::head;

/// Returns the recipients of a message from its first bytes: the key ids, or the fingerprints in messages of version 2,
/// of the encryption subkeys; `hidden` and `unknown` where there is none.
///
/// # Errors
/// [`KeyErrorKind::NotAMessage`](bahub_core::keys::KeyErrorKind::NotAMessage) for what is no protected message.
pub fn addressees(head: &[u8]) -> Result<Vec<String>, KeyError> {
    let head = head::read(head)?;
    let unknown = std::iter::repeat_n("unknown".to_owned(), head.unknown);
    Ok(head.packets.iter().map(head::addressee).chain(unknown).collect())
}
