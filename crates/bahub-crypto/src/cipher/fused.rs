//! CFB and SHA-1 in one loop.
//!
//! CFB encryption is a chain: each block of AES waits for the one before it, and leaves most of the processor idle. The
//! hash of the same bytes fits into the gaps if it stands beside the chain in the instructions that a processor looks at
//! together. By 64 bytes in turn, both take the time of AES alone.

use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit};
use aes::{Aes256Enc, Block};
use sha1::block_api::compress;

use super::mdc::{HASH, STEP};
use crate::error::CryptoError;

/// The value that SHA-1 starts with (FIPS 180-4 section 5.3.1).
const START: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];

/// Encrypts with AES-256 and hashes.
pub(crate) struct Fused {
    cipher: Aes256Enc,
    /// E(C[i-1]), which the next block is added to.
    keystream: Block,
    hash: [u32; 5],
    octets: u64,
}

impl Fused {
    /// Whether this processor has instructions for both.
    pub(super) fn is_quick() -> bool {
        #[cfg(target_arch = "x86_64")]
        let has_sha = std::arch::is_x86_feature_detected!("sha");
        #[cfg(not(target_arch = "x86_64"))]
        let has_sha = false;
        has_sha && aes::hardware_accelerated()
    }

    pub(super) fn new(key: &[u8]) -> Result<Self, CryptoError> {
        let cipher =
            Aes256Enc::new_from_slice(key).map_err(|_| CryptoError::SessionKey("its length is not the cipher's"))?;
        let mut keystream = Block::default();
        cipher.encrypt_block(&mut keystream);
        Ok(Self { cipher, keystream, hash: START, octets: 0 })
    }

    /// Encrypts and hashes whole steps.
    pub(super) fn encrypt(&mut self, plain: &[u8], out: &mut [u8]) {
        let Self { cipher, keystream, hash, octets } = self;
        *octets += plain.len() as u64;
        cipher.encrypt_with_backend(Steps { plain: plain.as_chunks().0, out, keystream, hash });
    }

    /// Encrypts the end with the hash, which it puts behind `plain`.
    pub(super) fn encrypt_last(mut self, plain: &mut Vec<u8>, out: &mut [u8]) {
        let whole = plain.len() - plain.len() % STEP;
        self.encrypt(&plain[..whole], out);
        let hash = self.hash_with(&plain[whole..]);
        plain.extend(hash);
        for (p, c) in plain[whole..].chunks(size_of::<Block>()).zip(out[whole..].chunks_mut(size_of::<Block>())) {
            c.iter_mut().zip(p).zip(&self.keystream).for_each(|((c, p), k)| *c = p ^ k);
            if let Ok(block) = <[u8; size_of::<Block>()]>::try_from(&c[..p.len()]) {
                self.keystream = block.into();
                self.cipher.encrypt_block(&mut self.keystream);
            }
        }
    }

    /// The hash of everything with these last bytes, fewer than a step (FIPS 180-4 section 5.1.1).
    fn hash_with(&self, rest: &[u8]) -> [u8; HASH] {
        let bits = (self.octets + rest.len() as u64) * 8;
        let mut end = [rest, &[0x80]].concat();
        end.resize((end.len() + size_of::<u64>()).next_multiple_of(STEP) - size_of::<u64>(), 0);
        end.extend(bits.to_be_bytes());
        let mut hash = self.hash;
        compress(&mut hash, end.as_chunks().0);
        let mut bytes = [0; HASH];
        bytes.as_chunks_mut().0.iter_mut().zip(hash).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
        bytes
    }
}

/// The loop, which the cipher calls back with its key in registers.
struct Steps<'a> {
    plain: &'a [[u8; STEP]],
    out: &'a mut [u8],
    keystream: &'a mut Block,
    hash: &'a mut [u32; 5],
}

impl BlockSizeUser for Steps<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Steps<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut keystream = *self.keystream;
        for (plain, out) in self.plain.iter().zip(self.out.as_chunks_mut::<STEP>().0) {
            for (p, c) in plain.as_chunks().0.iter().zip(out.as_chunks_mut().0) {
                *c = (u128::from_ne_bytes(*p) ^ u128::from_ne_bytes(keystream.0)).to_ne_bytes();
                keystream = (*c).into();
                backend.encrypt_block((&mut keystream).into());
            }
            compress(self.hash, std::slice::from_ref(plain));
        }
        *self.keystream = keystream;
    }
}
