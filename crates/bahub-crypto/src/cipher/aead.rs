//! The chunks of SEIPD version 2 (RFC 9580 section 5.13.2).
//!
//! bahub writes AES-256 in OCB: every reader of version 2 must know it, and it is OpenSSL's fastest AEAD mode here
//! (4.6 GB/s against GCM's 3.0).

use openssl::cipher::{Cipher, CipherRef};
use openssl::cipher_ctx::{CipherCtx, CipherCtxRef};
use openssl::md::Md;
use openssl::pkey::Id;
use openssl::pkey_ctx::PkeyCtx;
use sequoia_openpgp::crypto::mem::Protected;

use super::{AES256, BLOCK};
use crate::error::CryptoError;
use crate::packet::SEIPD;

/// The bytes of an authentication tag.
pub(crate) const TAG: usize = 16;

/// The bytes of the salt.
pub(crate) const SALT: usize = 32;

const OCB: u8 = 2;
const GCM: u8 = 3;

/// The largest chunk size octet that is read: 4 MiB, the largest that RFC 9580 allows to be written.
const MAX_CHUNK: u8 = 16;

/// The parameters that stand in clear at the head of a packet, and are authenticated with every chunk.
#[derive(Clone, Copy)]
pub(crate) struct Parameters {
    cipher: u8,
    aead: u8,
    chunk: u8,
}

impl Parameters {
    /// What bahub writes: AES-256, OCB, chunks of 64 KiB.
    pub(crate) const OURS: Self = Self { cipher: AES256, aead: OCB, chunk: 10 };

    /// Reads the three octets, and refuses what cannot be read or would need too much memory.
    pub(crate) fn parse([cipher, aead, chunk]: [u8; 3]) -> Result<Self, CryptoError> {
        if chunk > MAX_CHUNK {
            return Err(CryptoError::Unsupported(format!("chunks of 2^{} bytes, above 4 MiB", u32::from(chunk) + 6)));
        }
        let parameters = Self { cipher, aead, chunk };
        parameters.mode()?;
        Ok(parameters)
    }

    /// The three octets.
    pub(crate) fn octets(self) -> [u8; 3] {
        [self.cipher, self.aead, self.chunk]
    }

    /// The bytes of data in a chunk.
    pub(crate) fn chunk_size(self) -> usize {
        1 << (self.chunk + 6)
    }

    fn mode(self) -> Result<&'static CipherRef, CryptoError> {
        Ok(match (self.cipher, self.aead) {
            (7, OCB) => Cipher::aes_128_ocb(),
            (8, OCB) => Cipher::aes_192_ocb(),
            (9, OCB) => Cipher::aes_256_ocb(),
            (7, GCM) => Cipher::aes_128_gcm(),
            (8, GCM) => Cipher::aes_192_gcm(),
            (9, GCM) => Cipher::aes_256_gcm(),
            (7..=9, aead) => return Err(CryptoError::Unsupported(format!("the AEAD mode number {aead}"))),
            (cipher, _) => return Err(CryptoError::Unsupported(format!("the symmetric cipher number {cipher}"))),
        })
    }

    fn nonce_size(self) -> usize {
        if self.aead == OCB { 15 } else { 12 }
    }
}

/// Seals or opens the chunks of one message, in their order.
pub(crate) struct Chunks {
    ctx: CipherCtx,
    associated: [u8; 5],
    nonce: Vec<u8>,
    index: u64,
    octets: u64,
}

impl Chunks {
    /// Derives the message key and prepares to seal.
    pub(crate) fn sealing(parameters: Parameters, session_key: &[u8], salt: &[u8; SALT]) -> Result<Self, CryptoError> {
        Self::new(parameters, session_key, salt, CipherCtxRef::encrypt_init)
    }

    /// Derives the message key and prepares to open.
    pub(crate) fn opening(parameters: Parameters, session_key: &[u8], salt: &[u8; SALT]) -> Result<Self, CryptoError> {
        Self::new(parameters, session_key, salt, CipherCtxRef::decrypt_init)
    }

    fn new(parameters: Parameters, session_key: &[u8], salt: &[u8; SALT], init: Init) -> Result<Self, CryptoError> {
        let mode = parameters.mode()?;
        let key_size = mode.key_length();
        if session_key.len() != key_size {
            return Err(CryptoError::SessionKey("its length does not match the cipher"));
        }
        let [cipher, aead, chunk] = parameters.octets();
        let associated = [0xC0 | SEIPD, 2, cipher, aead, chunk];
        let mut derived = Protected::new(key_size + parameters.nonce_size() - size_of::<u64>());
        hkdf(session_key, salt, &associated, &mut derived)?;

        let mut ctx = CipherCtx::new()?;
        init(&mut ctx, Some(mode), None, None)?;
        ctx.set_iv_length(parameters.nonce_size())?;
        init(&mut ctx, None, Some(&derived[..key_size]), None)?;
        let mut nonce = derived[key_size..].to_vec();
        nonce.extend([0; size_of::<u64>()]);
        Ok(Self { ctx, associated, nonce, index: 0, octets: 0 })
    }

    /// Encrypts one chunk and puts its tag behind it; `out` needs room for the data and two blocks.
    pub(crate) fn seal(&mut self, plain: &[u8], out: &mut [u8]) -> Result<(), CryptoError> {
        let nonce = self.next_nonce();
        self.ctx.encrypt_init(None, None, Some(&nonce))?;
        self.ctx.cipher_update(&self.associated, None)?;
        self.octets += plain.len() as u64;
        let done = self.ctx.cipher_update(plain, Some(&mut *out))?;
        self.ctx.cipher_final(&mut out[done..])?;
        Ok(self.ctx.tag(&mut out[plain.len()..plain.len() + TAG])?)
    }

    /// Returns the tag that ends the message.
    pub(crate) fn seal_end(&mut self) -> Result<[u8; TAG], CryptoError> {
        let nonce = self.next_nonce();
        self.ctx.encrypt_init(None, None, Some(&nonce))?;
        self.ctx.cipher_update(&self.associated, None)?;
        self.ctx.cipher_update(&self.octets.to_be_bytes(), None)?;
        self.ctx.cipher_final(&mut [0; BLOCK])?;
        let mut tag = [0; TAG];
        self.ctx.tag(&mut tag)?;
        Ok(tag)
    }

    /// Decrypts and verifies one chunk, its tag behind it; `out` needs room for the data and two blocks.
    pub(crate) fn open(&mut self, sealed: &[u8], out: &mut [u8]) -> Result<(), CryptoError> {
        let index = self.index;
        let (data, tag) = sealed.split_at(sealed.len() - TAG);
        let nonce = self.next_nonce();
        self.ctx.decrypt_init(None, None, Some(&nonce))?;
        self.ctx.set_tag(tag)?;
        self.ctx.cipher_update(&self.associated, None)?;
        self.octets += data.len() as u64;
        let done = self.ctx.cipher_update(data, Some(&mut *out))?;
        self.ctx.cipher_final(&mut out[done..]).map_err(|_| CryptoError::Chunk(index))?;
        Ok(())
    }

    /// Verifies the tag that ends the message.
    pub(crate) fn open_end(&mut self, tag: &[u8]) -> Result<(), CryptoError> {
        let nonce = self.next_nonce();
        self.ctx.decrypt_init(None, None, Some(&nonce))?;
        self.ctx.set_tag(tag)?;
        self.ctx.cipher_update(&self.associated, None)?;
        self.ctx.cipher_update(&self.octets.to_be_bytes(), None)?;
        self.ctx.cipher_final(&mut [0; BLOCK]).map_err(|_| CryptoError::FinalTag)?;
        Ok(())
    }

    fn next_nonce(&mut self) -> [u8; 16] {
        let prefix = self.nonce.len() - size_of::<u64>();
        self.nonce[prefix..].copy_from_slice(&self.index.to_be_bytes());
        self.index += 1;
        let mut nonce = [0; 16];
        nonce[..self.nonce.len()].copy_from_slice(&self.nonce);
        nonce
    }
}

type Init =
    fn(&mut CipherCtxRef, Option<&CipherRef>, Option<&[u8]>, Option<&[u8]>) -> Result<(), openssl::error::ErrorStack>;

fn hkdf(key: &[u8], salt: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), CryptoError> {
    let mut ctx = PkeyCtx::new_id(Id::HKDF)?;
    ctx.derive_init()?;
    ctx.set_hkdf_md(Md::sha256())?;
    ctx.set_hkdf_key(key)?;
    ctx.set_hkdf_salt(salt)?;
    ctx.add_hkdf_info(info)?;
    ctx.derive(Some(out))?;
    Ok(())
}
