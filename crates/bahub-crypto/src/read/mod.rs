//! Message in, plaintext out: source → armour → packets → SEIPD body → compression → literal packet.

mod clear;
mod content;
mod dearmor;
mod decryptor;
mod octets;
mod seipd1;
mod seipd2;

pub use decryptor::Decryptor;
pub(crate) use octets::Octets;
