//! OpenPGP streams and keys for bahub: fast, bounded memory, readable by gpg
