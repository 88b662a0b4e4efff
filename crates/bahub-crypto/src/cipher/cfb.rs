//! AES in OpenPGP's CFB mode (RFC 9580 section 12.9, as SEIPD version 1 uses it: no resynchronisation, IV of zeros).
//!
//! OpenSSL's own CFB is slower than two of its other modes, which can do the same:
//!
//! - CFB encryption is C[i] = P[i] ^ X[i] with X[i] = E(C[i-1]). Hence X[i+1] = E(P[i] ^ X[i]): the keystream is the
//!   CBC encryption of the plaintext under the IV X[1] = E(0), one block ahead.
//! - In CFB decryption every C[i-1] is known, so the keystream is the ECB encryption of the shifted ciphertext, which
//!   runs on many blocks in parallel.

use openssl::cipher::{Cipher, CipherRef};
use openssl::cipher_ctx::CipherCtx;

use super::BLOCK;
use crate::error::CryptoError;

/// Encrypts with AES-256, in whole blocks until the last call.
pub(crate) struct CfbEncryptor {
    chain: CipherCtx,
    keystream: u128,
}

impl CfbEncryptor {
    /// Starts the chain.
    pub(crate) fn new(key: &[u8]) -> Result<Self, CryptoError> {
        let mut first = [0; 2 * BLOCK];
        block_cipher(Cipher::aes_256_ecb(), key)?.cipher_update(&[0; BLOCK], Some(&mut first))?;
        let mut chain = CipherCtx::new()?;
        chain.encrypt_init(Some(Cipher::aes_256_cbc()), Some(key), Some(&first[..BLOCK]))?;
        chain.set_padding(false);
        Ok(Self { chain, keystream: block(&first[..BLOCK]) })
    }

    /// Encrypts whole blocks; `out` needs room for one block more than `plain` has.
    pub(crate) fn encrypt(&mut self, plain: &[u8], out: &mut [u8]) -> Result<(), CryptoError> {
        debug_assert!(plain.len().is_multiple_of(BLOCK));
        if plain.is_empty() {
            return Ok(());
        }
        self.chain.cipher_update(plain, Some(out))?;
        for (c, p) in out.chunks_exact_mut(BLOCK).zip(plain.chunks_exact(BLOCK)) {
            let next = block(c);
            c.copy_from_slice(&(block(p) ^ self.keystream).to_ne_bytes());
            self.keystream = next;
        }
        Ok(())
    }

    /// Encrypts the end, of any length; `out` needs room for one block more than `plain` has.
    pub(crate) fn encrypt_last(mut self, plain: &[u8], out: &mut [u8]) -> Result<(), CryptoError> {
        let whole = plain.len() - plain.len() % BLOCK;
        self.encrypt(&plain[..whole], out)?;
        for ((c, p), k) in out[whole..].iter_mut().zip(&plain[whole..]).zip(self.keystream.to_ne_bytes()) {
            *c = p ^ k;
        }
        Ok(())
    }
}

/// Decrypts with AES of any key size.
pub(crate) struct CfbDecryptor {
    cipher: CipherCtx,
}

impl CfbDecryptor {
    /// Prepares a cipher by its number (RFC 9580 section 9.3).
    pub(crate) fn new(algorithm: u8, key: &[u8]) -> Result<Self, CryptoError> {
        let cipher = match algorithm {
            7 => Cipher::aes_128_ecb(),
            8 => Cipher::aes_192_ecb(),
            9 => Cipher::aes_256_ecb(),
            other => return Err(CryptoError::Unsupported(format!("the symmetric cipher number {other}"))),
        };
        if key.len() != cipher.key_length() {
            return Err(CryptoError::SessionKey("its length does not match the cipher"));
        }
        Ok(Self { cipher: block_cipher(cipher, key)? })
    }

    /// Decrypts `n` bytes, where `shifted` holds the block before them (zeros at the start) and then them.
    ///
    /// `plain` needs room for `n` bytes and two blocks.
    pub(crate) fn decrypt(&mut self, shifted: &[u8], plain: &mut [u8]) -> Result<(), CryptoError> {
        let n = shifted.len() - BLOCK;
        if n == 0 {
            return Ok(());
        }
        self.cipher.cipher_update(&shifted[..n.next_multiple_of(BLOCK)], Some(plain))?;
        xor(&mut plain[..n], &shifted[BLOCK..]);
        Ok(())
    }
}

fn block_cipher(cipher: &CipherRef, key: &[u8]) -> Result<CipherCtx, CryptoError> {
    let mut ctx = CipherCtx::new()?;
    ctx.encrypt_init(Some(cipher), Some(key), None)?;
    ctx.set_padding(false);
    Ok(ctx)
}

fn block(bytes: &[u8]) -> u128 {
    u128::from_ne_bytes(bytes.try_into().expect("a block has 16 bytes"))
}

fn xor(into: &mut [u8], with: &[u8]) {
    for (a, b) in into.iter_mut().zip(with) {
        *a ^= b;
    }
}
