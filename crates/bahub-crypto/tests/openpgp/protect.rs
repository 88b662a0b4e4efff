//! SEIPD version 1 in the plain way of RFC 9580 section 5.13.1: a second implementation, over OpenSSL's own CFB mode.

use openssl::sha::sha1;
use openssl::symm::{Cipher, encrypt};

/// Encrypts these inner packets with AES-256, for the Decryptor alone: there is no session key packet.
pub(crate) fn protect(inside: &[u8], key: &[u8; 32]) -> Vec<u8> {
    let mut clear = (1..=16).collect::<Vec<u8>>();
    clear.extend([15, 16]);
    clear.extend(inside);
    clear.extend([0xD3, 0x14]);
    clear.extend(sha1(&clear));
    let body = encrypt(Cipher::aes_256_cfb128(), key, Some(&[0; 16]), &clear).expect("CFB takes any length");
    let mut message = vec![0xD2, 0xFF];
    message.extend((body.len() as u32 + 1).to_be_bytes());
    message.push(1);
    message.extend(body);
    message
}
