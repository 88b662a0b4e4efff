//! Any bytes as the inside of a correctly encrypted message: compression, signatures, literal data.
//!
//! The message passes its integrity check, so that the fuzzer reaches what lies behind.
#![no_main]

#[path = "../../tests/openpgp/protect.rs"]
mod protect;

use std::io::Read;

use bahub_core::keys::SessionKey;
use bahub_core::secret::Secret;
use bahub_crypto::Decryptor;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|inside: &[u8]| {
    let message = protect::protect(inside, &[0x2A; 32]);
    let key = SessionKey { cipher: Some(9), key: Secret::new("2a".repeat(32)) };
    let Ok(mut decryptor) = Decryptor::new(&message[..], &key) else { return };
    let mut piece = [0; 4096];
    let mut total = 0;
    while let Ok(n @ 1..) = decryptor.read(&mut piece) {
        total += n;
        if total > 1 << 24 {
            return;
        }
    }
});
