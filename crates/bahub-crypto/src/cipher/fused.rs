//! CFB and SHA-1 in one loop.
//!
//! CFB encryption is a chain: each block of AES waits for the one before it, and leaves most of the processor idle. The
//! hash of the same bytes fits into the gaps if it stands beside the chain in the instructions that a processor looks at
//! together. By 64 bytes in turn, both take the time of AES alone.

use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit};
use aes::{Aes256Enc, Block};
use sha1::block_api::Sha1Core;
use sha1::digest::Output;
use sha1::digest::block_api::{Buffer, FixedOutputCore, UpdateCore};

use super::{BLOCK, HASH, STEP};
use crate::error::CryptoError;

/// Whether this processor has instructions for both.
pub(super) fn is_quick() -> bool {
    #[cfg(target_arch = "x86_64")]
    let has_sha = std::arch::is_x86_feature_detected!("sha");
    #[cfg(not(target_arch = "x86_64"))]
    let has_sha = false;
    has_sha && aes::hardware_accelerated()
}

/// A SHA-1 under way, at a multiple of [`STEP`] bytes.
#[derive(Default)]
struct Hash(Sha1Core);

impl Hash {
    #[inline(always)]
    fn step(&mut self, bytes: &[u8]) {
        self.0.update_blocks(&[bytes.try_into().expect("a step has 64 bytes")]);
    }

    /// The hash of everything with these last bytes, of any length.
    fn finish(mut self, rest: &[u8]) -> [u8; HASH] {
        let steps = rest.chunks_exact(STEP);
        let mut end = Buffer::<Sha1Core>::new(steps.remainder());
        steps.for_each(|step| self.step(step));
        let mut hash = Output::<Sha1Core>::default();
        self.0.finalize_fixed_core(&mut end, &mut hash);
        hash.into()
    }
}

/// Encrypts with AES-256 and hashes.
pub(crate) struct FusedEncryptor {
    cipher: Aes256Enc,
    /// E(C[i-1]), which the next block is added to.
    keystream: Block,
    hash: Hash,
}

impl FusedEncryptor {
    pub(super) fn new(key: &[u8]) -> Result<Self, CryptoError> {
        let cipher = cipher(key)?;
        let mut keystream = Block::default();
        cipher.encrypt_block(&mut keystream);
        Ok(Self { cipher, keystream, hash: Hash::default() })
    }

    /// Encrypts and hashes whole steps.
    pub(super) fn encrypt(&mut self, plain: &[u8], out: &mut [u8]) {
        let Self { cipher, keystream, hash } = self;
        cipher.encrypt_with_backend(Encryption { plain: plain.as_chunks().0, out, keystream, hash });
    }

    /// Encrypts the end with the hash, which it puts behind `plain`.
    pub(super) fn encrypt_last(mut self, plain: &mut Vec<u8>, out: &mut [u8]) {
        let whole = plain.len() - plain.len() % STEP;
        self.encrypt(&plain[..whole], out);
        let hash = self.hash.finish(&plain[whole..]);
        plain.extend(hash);
        for (p, c) in plain[whole..].chunks(BLOCK).zip(out[whole..].chunks_mut(BLOCK)) {
            c.iter_mut().zip(p).zip(&self.keystream).for_each(|((c, p), k)| *c = p ^ k);
            if let Ok(block) = <[u8; BLOCK]>::try_from(&c[..p.len()]) {
                self.keystream = block.into();
                self.cipher.encrypt_block(&mut self.keystream);
            }
        }
    }
}

/// Decrypts with AES-256 and hashes.
pub(crate) struct FusedDecryptor {
    cipher: Aes256Enc,
    hash: Hash,
}

impl FusedDecryptor {
    pub(super) fn new(key: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self { cipher: cipher(key)?, hash: Hash::default() })
    }

    /// As [`MdcDecryptor::decrypt`](super::mdc::MdcDecryptor::decrypt).
    pub(super) fn decrypt(&mut self, shifted: &[u8], plain: &mut [u8], held: usize) {
        let Self { cipher, hash } = self;
        let count = shifted.len() - BLOCK;
        let whole = count - count % STEP;
        cipher.encrypt_with_backend(Decryption { shifted, plain, held, steps: whole / STEP, hash });
        for at in (whole..count).step_by(BLOCK) {
            let mut keystream = block(&shifted[at..at + BLOCK]);
            cipher.encrypt_block(&mut keystream);
            let rest = shifted[at + BLOCK..].iter().zip(&keystream);
            plain[held + at..held + count].iter_mut().zip(rest).for_each(|(p, (c, k))| *p = c ^ k);
        }
    }

    /// The hash of everything with these last bytes.
    pub(super) fn finish(self, rest: &[u8]) -> [u8; HASH] {
        self.hash.finish(rest)
    }
}

fn cipher(key: &[u8]) -> Result<Aes256Enc, CryptoError> {
    Aes256Enc::new_from_slice(key).map_err(|_| CryptoError::SessionKey("its length does not match the cipher"))
}

fn block(bytes: &[u8]) -> Block {
    Block::try_from(bytes).expect("a block has 16 bytes")
}

/// The loop of an encryption, which the cipher calls back with its key in registers.
struct Encryption<'a> {
    plain: &'a [[u8; STEP]],
    out: &'a mut [u8],
    keystream: &'a mut Block,
    hash: &'a mut Hash,
}

impl BlockSizeUser for Encryption<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Encryption<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut keystream = *self.keystream;
        for (plain, out) in self.plain.iter().zip(self.out.as_chunks_mut::<STEP>().0) {
            for (p, c) in plain.as_chunks().0.iter().zip(out.as_chunks_mut().0) {
                *c = (u128::from_ne_bytes(*p) ^ u128::from_ne_bytes(keystream.0)).to_ne_bytes();
                keystream = (*c).into();
                backend.encrypt_block((&mut keystream).into());
            }
            self.hash.step(plain);
        }
        *self.keystream = keystream;
    }
}

/// The loop of a decryption: each block's keystream is the encryption of the ciphertext one block before it.
struct Decryption<'a> {
    shifted: &'a [u8],
    plain: &'a mut [u8],
    held: usize,
    steps: usize,
    hash: &'a mut Hash,
}

impl BlockSizeUser for Decryption<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Decryption<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        for step in 0..self.steps {
            let shifted = &self.shifted[step * STEP..(step + 1) * STEP + BLOCK];
            let mut keystream = [Block::default(); STEP / BLOCK];
            keystream.iter_mut().zip(shifted.chunks_exact(BLOCK)).for_each(|(k, c)| k.copy_from_slice(c));
            keystream.iter_mut().for_each(|k| backend.encrypt_block(k.into()));
            let start = self.held + step * STEP;
            let plain = self.plain[start..start + STEP].as_chunks_mut::<BLOCK>().0;
            for ((p, c), k) in plain.iter_mut().zip(shifted[BLOCK..].as_chunks().0).zip(&keystream) {
                *p = (u128::from_ne_bytes(*c) ^ u128::from_ne_bytes(k.0)).to_ne_bytes();
            }
            // One step behind, where something is: beside the next step's cipher, and short of what may be the end.
            if let Some(behind) = start.checked_sub(STEP) {
                self.hash.step(&self.plain[behind..start]);
            }
        }
    }
}
