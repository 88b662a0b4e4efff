//! Any bytes as a message: armour, packet headers, the encrypted body. No panic, and no end without verification.
#![no_main]

use std::io::Read;

use bahub_core::keys::SessionKey;
use bahub_core::secret::Secret;
use bahub_crypto::{Decryptor, addressees};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|message: &[u8]| {
    let _ = addressees(message);
    let key = SessionKey { cipher: Some(9), key: Secret::new("2a".repeat(32)) };
    let Ok(mut decryptor) = Decryptor::new(message, &key) else { return };
    let mut piece = [0; 4096];
    while let Ok(1..) = decryptor.read(&mut piece) {}
});
