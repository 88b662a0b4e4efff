//! A Backup Repository for tests: it accepts and refuses what the real server does, and misbehaves on request.
//!
//! The facts come from the source of riotkit-org/backup-repository (newest commit of 2023-11-03). Bodies are kept in
//! files of a temporary folder, so memory stays bounded whatever is uploaded. The server runs on its own thread and
//! runtime: a test may block, or pause tokio's clock, without stopping it.
//!
//! ```no_run
//! # async fn example() {
//! use bahub_testkit::backup_repository::{BackupRepository, Fault, Limits, Role, Settings};
//!
//! let server = BackupRepository::start_with(Settings::quick()).await;
//! server.add_collection("shop", Limits { max_versions: 3, ..Limits::default() });
//! server.add_user("backups", "secret", &[Role::BackupUploader, Role::BackupDownloader]);
//! server.misbehave(Fault::reset_upload_after(64 * 1024));
//! // ... upload to server.url() with server.token_for("backups") ...
//! assert!(server.versions("shop").is_empty());
//! # }
//! ```
//!
//! **The checks of an upload.** The *first read* is what had arrived of the first chunk when it was first read. The
//! *last read* is the last chunk as the client framed it (at most 1 MiB of it); of a body with a `Content-Length`, which
//! has no chunks, the last 4 KiB, the real server's read buffer. TCP may cut the reads of the real server further.

mod answers;
mod auth;
mod chunks;
mod download;
mod faults;
mod health;
mod listing;
mod observe;
mod permissions;
mod serve;
mod server;
mod session;
mod settings;
mod state;
mod storage;
mod stream_check;
mod upload;
mod wire;

pub use faults::{Fault, Operation, Refusal};
pub use observe::RecordedRequest;
pub use permissions::{OperationsScope, Role, ScopedElement};
pub use server::BackupRepository;
pub use session::{ActiveSession, RecordedLogin};
pub use settings::{Limits, Listing, Settings};
pub use storage::StoredVersion;
