//! Where versions are kept. A version is invisible until it is committed.

mod version;

use std::fmt::{self, Debug};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::instance::Identity;
use crate::secret::Secret;

pub use version::{NewVersion, Orphan, Receipt, Version, VersionNumber, VersionSelector};

/// One collection of versions in one store.
///
/// ```
/// use std::sync::{Arc, Mutex, PoisonError};
///
/// use async_trait::async_trait;
/// use bahub_core::sink::{
///     CommitError, Download, Encoding, NewVersion, Receipt, Sink, SinkCapability, SinkError, SinkErrorKind, Upload,
///     Version, VersionNumber,
/// };
/// use bytes::{Bytes, BytesMut};
/// use futures::{StreamExt, stream};
///
/// /// Versions in memory: the first has the number 1.
/// #[derive(Debug, Clone, Default)]
/// struct Drawer(Arc<Mutex<Vec<Bytes>>>);
///
/// #[async_trait]
/// impl Sink for Drawer {
///     fn identity(&self) -> String {
///         format!("drawer://{:p}", Arc::as_ptr(&self.0))
///     }
///
///     fn encoding(&self) -> Encoding {
///         Encoding::Binary
///     }
///
///     fn capabilities(&self) -> &'static [SinkCapability] {
///         &[SinkCapability::List]
///     }
///
///     async fn begin(&self, _version: &NewVersion) -> Result<Box<dyn Upload>, SinkError> {
///         Ok(Box::new(Sheet { drawer: self.clone(), message: BytesMut::new() }))
///     }
///
///     async fn open(&self, version: VersionNumber) -> Result<Download, SinkError> {
///         let messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         let found = version.0.checked_sub(1).and_then(|at| messages.get(at as usize));
///         let absent = || SinkError::new(SinkErrorKind::NotFound, format!("there is no {version}"));
///         let message = found.ok_or_else(absent)?.clone();
///         let size = message.len() as u64;
///         Ok(Download::new(stream::iter([Ok(message)]).boxed()).with_size(size))
///     }
///
///     async fn list(&self) -> Result<Vec<Version>, SinkError> {
///         let messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         let versions = (1..).zip(messages.iter()).map(|(number, message)| {
///             Version::new(VersionNumber(number), message.len() as u64, format!("sheet {number}"))
///         });
///         Ok(versions.collect())
///     }
///
///     async fn remove(&self, version: VersionNumber) -> Result<(), SinkError> {
///         Err(SinkError::new(SinkErrorKind::Forbidden, format!("{version} stays: a drawer forgets nothing")))
///     }
/// }
///
/// struct Sheet {
///     drawer: Drawer,
///     message: BytesMut,
/// }
///
/// #[async_trait]
/// impl Upload for Sheet {
///     async fn write(&mut self, chunk: Bytes) -> Result<(), SinkError> {
///         self.message.extend_from_slice(&chunk);
///         Ok(())
///     }
///
///     /// Nothing is in the drawer before this.
///     async fn commit(self: Box<Self>) -> Result<Receipt, CommitError> {
///         let mut messages = self.drawer.0.lock().unwrap_or_else(PoisonError::into_inner);
///         let size = self.message.len() as u64;
///         messages.push(self.message.freeze());
///         let version = VersionNumber(messages.len() as u64);
///         Ok(Receipt::new(version, size, format!("sheet {}", version.0)))
///     }
///
///     async fn abort(self: Box<Self>) -> Result<(), SinkError> {
///         Ok(())
///     }
/// }
/// ```
///
/// `bahub_testkit::conformance::sink` tests a sink against everything that is promised here; `examples/custom-sink` of bahub's repository
/// is one that can be configured.
#[async_trait]
pub trait Sink: Debug + Send + Sync {
    /// Names the store and the collection, without secrets; equal for equal places. The run lock is made of it.
    fn identity(&self) -> String;

    /// How the message must be encoded.
    fn encoding(&self) -> Encoding;

    /// What it can do besides storing and reading versions.
    fn capabilities(&self) -> &'static [SinkCapability];

    /// What an agent needs to do it directly, with the narrowest credentials; `None` means that ciphertext is relayed
    /// through the controller.
    ///
    /// # Errors
    /// If credentials cannot be made.
    async fn delegate(&self, _purpose: Purpose) -> Result<Option<AgentSink>, SinkError> {
        Ok(None)
    }

    /// Starts a version.
    ///
    /// # Errors
    /// If the store refuses or cannot be reached; nothing is visible then.
    async fn begin(&self, version: &NewVersion) -> Result<Box<dyn Upload>, SinkError>;

    /// Opens a version for reading.
    ///
    /// # Errors
    /// [`SinkErrorKind::NotFound`] if there is no such version.
    async fn open(&self, version: VersionNumber) -> Result<Download, SinkError>;

    /// Every version, oldest first; those whose description is damaged among them ([`Version::damage`]).
    ///
    /// # Errors
    /// [`SinkErrorKind::Forbidden`] where the credentials may only write.
    async fn list(&self) -> Result<Vec<Version>, SinkError>;

    /// Removes a version.
    ///
    /// # Errors
    /// If it is not there, retained, or the credentials do not allow it.
    async fn remove(&self, version: VersionNumber) -> Result<(), SinkError>;

    /// Messages older than a day that no version names: what killed runs left.
    ///
    /// # Errors
    /// As [`Sink::list`].
    async fn orphans(&self) -> Result<Vec<Orphan>, SinkError> {
        Ok(Vec::new())
    }

    /// Removes what [`orphans`](Sink::orphans) finds, and returns that. The caller makes sure that every version of the collection
    /// can be read: the message of one that cannot is named by none.
    ///
    /// # Errors
    /// As [`Sink::remove`]; some may be gone.
    async fn remove_orphans(&self) -> Result<Vec<Orphan>, SinkError> {
        Ok(Vec::new())
    }

    /// Ends what this sink holds open in the store: sessions, and the credentials that [`Sink::delegate`] gave out. The
    /// engine does it at the end of every run, whatever came of it; a sink that is used again starts afresh.
    ///
    /// # Errors
    /// If the store did not answer or refused; the engine logs it.
    async fn close(&self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Something that not every sink can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SinkCapability {
    /// An agent can use it by itself: [`Sink::delegate`] can give something.
    Delegate,
    /// It lists its versions to credentials that may read: [`Sink::list`].
    List,
    /// It removes versions for credentials that may: [`Sink::remove`].
    Remove,
    /// It keeps the words that a version is given: [`NewVersion::tags`], [`Version::tags`].
    Tags,
    /// It can state that a version is partial: [`Upload::mark_partial`], [`Version::missing`], [`Download::missing`].
    Partial,
}

/// A version on its way. Dropping it without commit leaves no version.
#[async_trait]
pub trait Upload: Send {
    /// Takes the next bytes of the message; returns when there is room for more.
    ///
    /// # Errors
    /// If the store broke off or refused; the upload can then only be aborted.
    async fn write(&mut self, chunk: Bytes) -> Result<(), SinkError>;

    /// States, before the commit, that this many parts of the data are missing. Whoever lists or opens the version learns it.
    ///
    /// # Errors
    /// Where the store cannot say so, as here; only those with [`SinkCapability::Partial`] are asked.
    async fn mark_partial(&mut self, missing: u32) -> Result<(), SinkError> {
        let message = format!("the store cannot record that {missing} parts of the version are missing");
        Err(SinkError::new(SinkErrorKind::Refused, message))
    }

    /// Makes the version visible.
    ///
    /// # Errors
    /// [`CommitError::Refused`]: there is no version. [`CommitError::Unknown`]: the answer was lost and could not be
    /// looked up.
    async fn commit(self: Box<Self>) -> Result<Receipt, CommitError>;

    /// Gives up; nothing becomes visible, and what was written is removed as far as the store allows.
    ///
    /// # Errors
    /// If leftovers could not be removed; no version exists all the same.
    async fn abort(self: Box<Self>) -> Result<(), SinkError>;
}

/// Commits a version in which this many parts are missing.
///
/// # Errors
/// As [`Upload::commit`]; [`CommitError::Refused`] where the store cannot state that the version is partial.
pub async fn commit(mut upload: Box<dyn Upload>, missing: usize) -> Result<Receipt, CommitError> {
    if missing > 0 {
        upload.mark_partial(u32::try_from(missing).unwrap_or(u32::MAX)).await.map_err(CommitError::Refused)?;
    }
    upload.commit().await
}

/// Where an agent can choose, the chunks of an upload begin at addresses that are multiples of this, and are multiples of it
/// long but for the last: a store may then write them past the page cache as they are.
pub const ALIGNMENT: usize = 4096;

/// How a message is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// ASCII armour (RFC 9580 section 6), a third larger.
    Armoured,
    /// As it is.
    Binary,
}

/// What an agent is to be allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// Uploading one version.
    Upload(NewVersion),
    /// Reading one version.
    Download(VersionNumber),
}

/// What an agent needs to use a sink directly.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AgentSink {
    /// Names the implementation that the agent must have built in.
    pub kind: String,
    /// Where it is, without credentials; the agent tries to reach it before it is given any.
    pub endpoint: String,
    /// The narrow credentials and settings, as the implementation understands them.
    pub grant: Secret,
    /// True where `endpoint` is a loopback address, which only the controller's own host can reach.
    pub loopback: bool,
}

impl AgentSink {
    /// This implementation at this endpoint, which is no loopback address, with these credentials.
    pub fn new(kind: impl Into<String>, endpoint: impl Into<String>, grant: Secret) -> Self {
        Self { kind: kind.into(), endpoint: endpoint.into(), grant, loopback: false }
    }
}

/// A version being read.
#[non_exhaustive]
pub struct Download {
    /// The bytes that will come, where the store says so; the reader compares.
    pub size: Option<u64>,
    /// The SHA-256 that the bytes must have, in hexadecimal, where the store knows it. The reader compares it at the end: a sink
    /// need not.
    pub sha256: Option<String>,
    /// The instance that the version is of, where the store's description says so.
    pub instance: Option<Identity>,
    /// How many parts are missing in it, as the store's description says.
    pub missing: u32,
    /// The bytes. A stream that ends early must end in an error where the sink can tell.
    pub stream: BoxStream<'static, Result<Bytes, SinkError>>,
}

impl Download {
    /// These bytes, of which nothing is known beforehand; the fields can be set.
    pub fn new(stream: BoxStream<'static, Result<Bytes, SinkError>>) -> Self {
        Self { size: None, sha256: None, instance: None, missing: 0, stream }
    }

    /// Sets how many bytes will come.
    #[must_use]
    pub fn with_size(self, size: impl Into<Option<u64>>) -> Self {
        Self { size: size.into(), ..self }
    }

    /// Sets the SHA-256 that the bytes must have, in hexadecimal.
    #[must_use]
    pub fn with_sha256(self, sha256: impl Into<Option<String>>) -> Self {
        Self { sha256: sha256.into(), ..self }
    }

    /// Sets the instance that the version is of.
    #[must_use]
    pub fn with_instance(self, instance: impl Into<Option<Identity>>) -> Self {
        Self { instance: instance.into(), ..self }
    }

    /// Sets how many parts are missing in it.
    #[must_use]
    pub fn with_missing(self, missing: u32) -> Self {
        Self { missing, ..self }
    }

    /// The size that the store stated, where the stream has ended after another number of bytes.
    pub fn missed_size(&self, count: u64) -> Option<u64> {
        self.size.filter(|size| *size != count)
    }
}

impl Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("size", &self.size).field("sha256", &self.sha256).finish_non_exhaustive()
    }
}

/// What kind of thing went wrong with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SinkErrorKind {
    /// It cannot be reached, or the connection broke.
    Unreachable,
    /// The credentials were refused.
    Unauthorized,
    /// The credentials do not allow this.
    Forbidden,
    /// There is no such collection or version.
    NotFound,
    /// It refused the data: too large, wrong shape, a window, a quota.
    Refused,
    /// The disk is full.
    NoSpace,
    /// It went silent for longer than the stall timeout.
    Stalled,
    /// What it returned is not what was stored: short, wrong hash.
    Corrupt,
    /// Anything else.
    Other,
}

/// A problem with a store.
pub type SinkError = Fault<SinkErrorKind>;

/// Why a commit gave no receipt.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// There is no version, for sure.
    #[error("the version was not committed: {0}")]
    Refused(#[source] SinkError),
    /// There may be a version: the answer was lost, and a look-up did not settle it.
    #[error("it is unknown whether the version was committed: {0}")]
    Unknown(#[source] SinkError),
}
