//! Encryption with the hash that ends a message of version 1 (RFC 9580 section 5.13.1): CFB and SHA-1 of the same bytes.
//!
//! Where the processor has instructions for AES and SHA, RustCrypto's `aes` and `sha1` run them in one loop, at constant
//! time as OpenSSL does; what they would do in software elsewhere is not used. Keys, signatures and session keys are
//! sequoia's and OpenSSL's business everywhere.

use openssl::sha::Sha1;

use super::cfb::{CfbDecryptor, CfbEncryptor};
use super::fused::{FusedDecryptor, FusedEncryptor, is_quick};
use super::{AES256, BLOCK, HASH, STEP};
use crate::error::CryptoError;
use crate::packet::MDC;

/// What stands before the hash, and is hashed too: the header of its packet.
pub(crate) const HEADER: [u8; 2] = [0xC0 | MDC, HASH as u8];

/// Encrypts with AES-256 and hashes what it encrypts, by the quicker way of this processor.
pub(crate) enum MdcEncryptor {
    /// Both in one loop, where the processor has instructions for both.
    Fused(Box<FusedEncryptor>),
    /// OpenSSL's, one after the other.
    Separate(CfbEncryptor, Sha1),
}

impl MdcEncryptor {
    /// Starts the chain and the hash.
    pub(crate) fn new(key: &[u8]) -> Result<Self, CryptoError> {
        if is_quick() { Self::fused(key) } else { Self::separate(key) }
    }

    fn fused(key: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self::Fused(Box::new(FusedEncryptor::new(key)?)))
    }

    fn separate(key: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self::Separate(CfbEncryptor::new(key)?, Sha1::new()))
    }

    /// Encrypts a multiple of [`STEP`] bytes; `out` needs room for one block more than `plain` has.
    pub(crate) fn encrypt(&mut self, plain: &[u8], out: &mut [u8]) -> Result<(), CryptoError> {
        debug_assert!(plain.len().is_multiple_of(STEP));
        match self {
            Self::Fused(fused) => fused.encrypt(plain, out),
            Self::Separate(cipher, hash) => {
                hash.update(plain);
                cipher.encrypt(plain, out)?;
            }
        }
        Ok(())
    }

    /// Encrypts the end, of any length, and the hash of everything behind it; `out` needs room for one block more than
    /// both have. Returns the bytes that were written.
    pub(crate) fn encrypt_last(self, mut plain: Vec<u8>, out: &mut [u8]) -> Result<usize, CryptoError> {
        match self {
            Self::Fused(fused) => fused.encrypt_last(&mut plain, out),
            Self::Separate(cipher, mut hash) => {
                hash.update(&plain);
                plain.extend(hash.finish());
                cipher.encrypt_last(&plain, out)?;
            }
        }
        Ok(plain.len())
    }
}

/// Decrypts and hashes what it decrypts. The last whole step is never hashed before the end, because the hash itself may
/// be in it.
pub(crate) enum MdcDecryptor {
    /// Both in one loop.
    Fused(Box<FusedDecryptor>),
    /// OpenSSL's, one after the other.
    Separate(CfbDecryptor, Sha1),
    /// Without a hash.
    Unhashed(CfbDecryptor),
}

impl MdcDecryptor {
    /// Prepares a cipher by its number (RFC 9580 section 9.3), and the hash if it is wanted.
    pub(crate) fn new(algorithm: u8, key: &[u8], hashed: bool) -> Result<Self, CryptoError> {
        match hashed {
            true if algorithm == AES256 && is_quick() => Self::fused(key),
            true => Self::separate(algorithm, key),
            false => Ok(Self::Unhashed(CfbDecryptor::new(algorithm, key)?)),
        }
    }

    fn fused(key: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self::Fused(Box::new(FusedDecryptor::new(key)?)))
    }

    fn separate(algorithm: u8, key: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self::Separate(CfbDecryptor::new(algorithm, key)?, Sha1::new()))
    }

    /// Decrypts `n` bytes, a multiple of [`STEP`] but at the end, where `shifted` holds the block before them (zeros at
    /// the start) and then them. They go behind the first `held` bytes of `plain`, which are not hashed yet: none at the
    /// start, later the last step of what was decrypted before. Hashes all whole steps but the last.
    ///
    /// `plain` needs room for two blocks more.
    pub(crate) fn decrypt(&mut self, shifted: &[u8], plain: &mut [u8], held: usize) -> Result<(), CryptoError> {
        debug_assert!(held == 0 || held == STEP);
        match self {
            Self::Fused(fused) => fused.decrypt(shifted, plain, held),
            Self::Separate(cipher, hash) => {
                cipher.decrypt(shifted, &mut plain[held..])?;
                let whole = (shifted.len() - BLOCK) / STEP * STEP;
                hash.update(&plain[..(held + whole).saturating_sub(STEP)]);
            }
            Self::Unhashed(cipher) => cipher.decrypt(shifted, &mut plain[held..])?,
        }
        Ok(())
    }

    /// The hash of everything with these last bytes, which are what was not hashed yet; none where none is wanted.
    pub(crate) fn finish(self, rest: &[u8]) -> Option<[u8; HASH]> {
        match self {
            Self::Fused(fused) => Some(fused.finish(rest)),
            Self::Separate(_, mut hash) => {
                hash.update(rest);
                Some(hash.finish())
            }
            Self::Unhashed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::WINDOW;

    const KEY: [u8; 32] = [0x2A; 32];

    fn data() -> Vec<u8> {
        (0..3 * WINDOW).map(|index| (index * 7 % 251) as u8).collect()
    }

    /// Whole windows, and what may follow them.
    fn lengths() -> impl Iterator<Item = (usize, usize)> {
        (0..3).flat_map(|windows| (0..200).chain([WINDOW - 1]).map(move |last| (windows * WINDOW, last)))
    }

    fn encrypted(mut encryptor: MdcEncryptor, whole: &[u8], last: &[u8]) -> Vec<u8> {
        let mut out = vec![0; whole.len() + last.len() + HASH + BLOCK];
        for (index, window) in whole.chunks(WINDOW).enumerate() {
            encryptor.encrypt(window, &mut out[index * WINDOW..]).unwrap();
        }
        let size = encryptor.encrypt_last(last.to_vec(), &mut out[whole.len()..]).unwrap();
        out.truncate(whole.len() + size);
        out
    }

    #[test]
    fn both_ways_encrypt_the_same() {
        let data = data();
        for (whole, last) in lengths() {
            let (whole, last) = (&data[..whole], &data[whole..whole + last]);
            let fused = encrypted(MdcEncryptor::fused(&KEY).unwrap(), whole, last);
            assert!(fused == encrypted(MdcEncryptor::separate(&KEY).unwrap(), whole, last), "{}", last.len());
        }
    }

    /// Everything but the hash, and the hash.
    fn decrypted(mut decryptor: MdcDecryptor, message: &[u8]) -> (Vec<u8>, Option<[u8; HASH]>) {
        let shifted = [&[0; BLOCK], message].concat();
        let (mut all, mut plain, mut held) = (Vec::new(), vec![0; STEP + WINDOW + 2 * BLOCK], 0);
        for at in (0..message.len()).step_by(WINDOW) {
            let count = WINDOW.min(message.len() - at);
            decryptor.decrypt(&shifted[at..at + BLOCK + count], &mut plain, held).unwrap();
            all.extend(&plain[held..held + count]);
            let hashed = (held + count / STEP * STEP).saturating_sub(STEP);
            plain.copy_within(hashed..held + count, 0);
            held = held + count - hashed;
        }
        let end = held - HASH;
        let hash = decryptor.finish(&plain[..end]);
        all.truncate(all.len() - HASH);
        (all, hash)
    }

    #[test]
    fn both_ways_decrypt_the_same_and_find_the_hash() {
        let data = data();
        for (whole, last) in lengths() {
            let message = encrypted(MdcEncryptor::separate(&KEY).unwrap(), &data[..whole], &data[whole..whole + last]);
            let expected = openssl::sha::sha1(&data[..whole + last]);
            let ways = [
                (MdcDecryptor::fused(&KEY).unwrap(), Some(expected)),
                (MdcDecryptor::separate(AES256, &KEY).unwrap(), Some(expected)),
                (MdcDecryptor::new(AES256, &KEY, false).unwrap(), None),
            ];
            for (decryptor, expected) in ways {
                let (plain, hash) = decrypted(decryptor, &message);
                assert!(plain == data[..whole + last] && hash == expected, "{whole} and {last} bytes");
            }
        }
    }
}
