//! What stands inside of the encryption.

/// Whether bahub's own layer lies between the programs and the encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Form {
    /// As a job says: compressed, with facts, and recognised by its first bytes when it is read.
    #[default]
    Layered,
    /// What a program put out is encrypted as it is, and what was encrypted reaches a program as it was, whatever it
    /// looks like: what `gpg --decrypt` gives.
    AsIs,
}
