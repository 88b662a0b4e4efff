//! How a backup is made smaller before it is encrypted.

use serde::{Deserialize, Serialize};

/// The format of the compressed stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(schemars::JsonSchema)]
pub enum Algorithm {
    /// Zstandard (RFC 8878), the default.
    #[default]
    Zstd,
    /// gzip (RFC 1952), what the original product wrote.
    Gzip,
    /// The bytes as they are.
    None,
}

impl Algorithm {
    /// The name as it is written in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::None => "none",
        }
    }
}

/// The algorithm with its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compression {
    /// The format.
    pub algorithm: Algorithm,
    /// The level; zstd 1 to 19, gzip 1 to 9, unused for `none`.
    pub level: i32,
    /// Worker threads; `None` lets the agent take at most [`Compression::MAX_THREADS`] and at most what its cgroup
    /// allows.
    pub threads: Option<u32>,
}

impl Compression {
    /// The level of zstd where none is configured: the last one that buys much for little (docs/compression.md, measured).
    pub const ZSTD_LEVEL: i32 = 3;
    /// The level of gzip where none is configured: the original's `-3`.
    pub const GZIP_LEVEL: i32 = 3;
    /// The most threads that are used where no number is configured.
    pub const MAX_THREADS: u32 = 4;

    /// The algorithm at its default level.
    pub fn new(algorithm: Algorithm) -> Self {
        let level = match algorithm {
            Algorithm::Zstd => Self::ZSTD_LEVEL,
            Algorithm::Gzip => Self::GZIP_LEVEL,
            Algorithm::None => 0,
        };
        Self { algorithm, level, threads: None }
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::new(Algorithm::Zstd)
    }
}
