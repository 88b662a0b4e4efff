//! The session key as it travels: hexadecimal text in a secret.

use bahub_core::keys::SessionKey;
use bahub_core::secret::Secret;
use sequoia_openpgp::crypto::mem::Protected;

use crate::error::CryptoError;

/// Wraps the key's bytes.
pub(super) fn wrap(cipher: Option<u8>, key: &[u8]) -> SessionKey {
    let mut text = String::with_capacity(key.len() * 2);
    for nibble in key.iter().flat_map(|octet| [octet >> 4, octet & 15]) {
        text.push(char::from_digit(u32::from(nibble), 16).expect("a nibble is a hexadecimal digit"));
    }
    SessionKey { cipher, key: Secret::new(text) }
}

/// Returns the key's bytes.
pub(crate) fn bytes(key: &SessionKey) -> Result<Protected, CryptoError> {
    let digits: Option<Vec<u8>> = key.key.expose().chars().map(|digit| Some(digit.to_digit(16)? as u8)).collect();
    let digits = Protected::from(digits.ok_or(CryptoError::SessionKey("it is not hexadecimal"))?);
    if !digits.len().is_multiple_of(2) {
        return Err(CryptoError::SessionKey("it is not hexadecimal"));
    }
    let mut bytes = Protected::new(digits.len() / 2);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_key_comes_back_as_it_was() {
        let key: Vec<u8> = (0..=255).collect();
        assert_eq!(&bytes(&wrap(Some(9), &key)).unwrap()[..], &key[..]);
    }

    #[test]
    fn a_session_key_of_other_characters_is_refused() {
        for text in ["abc", "zz", "0é"] {
            assert!(bytes(&SessionKey { cipher: None, key: Secret::new(text) }).is_err(), "{text}");
        }
    }
}
