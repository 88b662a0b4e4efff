//! Encryption with the hash that ends a message of version 1 (RFC 9580 section 5.13.1): CFB and SHA-1 of the same bytes.

use openssl::sha::Sha1;

use super::cfb::CfbEncryptor;
use super::fused::Fused;
use crate::error::CryptoError;

/// The bytes of a SHA-1.
pub(crate) const HASH: usize = 20;

/// The bytes that SHA-1 takes at once; [`MdcEncryptor::encrypt`] takes multiples of it.
pub(crate) const STEP: usize = 64;

/// Encrypts with AES-256 and hashes what it encrypts, by the quicker way of this processor.
pub(crate) enum MdcEncryptor {
    /// Both in one loop, where the processor has instructions for both.
    Fused(Box<Fused>),
    /// OpenSSL's, one after the other.
    Separate(CfbEncryptor, Sha1),
}

impl MdcEncryptor {
    /// Starts the chain and the hash.
    pub(crate) fn new(key: &[u8]) -> Result<Self, CryptoError> {
        if Fused::is_quick() { Ok(Self::Fused(Box::new(Fused::new(key)?))) } else { Self::separate(key) }
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
    /// both have. Gives the bytes that were written.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::{BLOCK, WINDOW};

    #[test]
    fn both_ways_give_the_same() {
        let key = [0x2A; 32];
        let data: Vec<u8> = (0..3 * WINDOW).map(|index| (index * 7 % 251) as u8).collect();
        for windows in [0, 1, 2] {
            for last in (0..200).chain([WINDOW - 1, WINDOW]) {
                let run = |mut encryptor: MdcEncryptor| {
                    let (whole, end) = (windows * WINDOW, windows * WINDOW + last);
                    let mut out = vec![0; end + HASH + BLOCK];
                    for at in (0..whole).step_by(WINDOW) {
                        encryptor.encrypt(&data[at..at + WINDOW], &mut out[at..]).unwrap();
                    }
                    let size = encryptor.encrypt_last(data[whole..end].to_vec(), &mut out[whole..]).unwrap();
                    assert_eq!(size, last + HASH);
                    out.truncate(whole + size);
                    out
                };
                let fused = run(MdcEncryptor::Fused(Box::new(Fused::new(&key).unwrap())));
                assert!(fused == run(MdcEncryptor::separate(&key).unwrap()), "{windows} windows and {last} bytes");
            }
        }
    }
}
