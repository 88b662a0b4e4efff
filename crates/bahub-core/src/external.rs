//! The foreign types that appear in public signatures here, in the versions that fit: a crate that implements a trait of
//! bahub need not find out which those are.
//!
//! A derive needs the path of its crate: `#[serde(crate = "bahub_core::external::serde")]`,
//! `#[schemars(crate = "bahub_core::external::schemars")]`.
//!
//! ```
//! use bahub_core::external::{async_trait, schemars, serde};
//! use bahub_core::run::RunContext;
//! use bahub_core::transport::{Session, Transport, TransportError, TransportErrorKind};
//!
//! #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
//! #[serde(crate = "bahub_core::external::serde")]
//! #[schemars(crate = "bahub_core::external::schemars")]
//! struct Telephone {
//!     /// Whom to call.
//!     number: String,
//! }
//!
//! #[async_trait]
//! impl Transport for Telephone {
//!     async fn open(&self, _cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
//!         Err(TransportError::new(TransportErrorKind::Unreachable, format!("{} does not answer", self.number)))
//!     }
//! }
//! ```

pub use async_trait::async_trait;
pub use bytes;
pub use bytes::Bytes;
pub use futures::future::BoxFuture;
pub use futures::stream::BoxStream;
pub use jiff;
pub use jiff::Timestamp;
pub use schemars;
pub use serde;
pub use serde_json;
pub use serde_json::Value;
pub use tokio::io::{AsyncRead, AsyncWrite};
pub use tokio_util::sync::CancellationToken;
