//! Which sinks this build has, and which features provide the others.

use std::sync::Arc;

use bahub_core::agent::DirectSink;
use bahub_core::registry::{Absent, Kind, RegistryBuilder};

/// Schemes of object stores that opendal supports and that no build has yet.
const LATER: &[&str] = &["gs", "gcs", "azblob", "azdls", "b2", "oss", "cos", "obs", "swift", "webdav", "sftp"];

/// Registers the sinks that are enabled by features, and names the others as absent.
pub fn register(builder: &mut RegistryBuilder) {
    #[cfg(feature = "repository")]
    builder.sink::<crate::repository::Repository>();
    #[cfg(not(feature = "repository"))]
    builder.absent(
        Kind::Sink,
        Absent {
            type_name: "bahub.sinks.repository",
            aliases: &["https", "http"],
            brought_by: "the cargo feature \"repository\" of bahub-sinks",
        },
    );
    #[cfg(feature = "store")]
    builder.sink::<crate::store::Directory>();
    #[cfg(not(feature = "store"))]
    builder.absent(
        Kind::Sink,
        Absent {
            type_name: "bahub.sinks.directory",
            aliases: &["file"],
            brought_by: "the cargo feature \"store\" of bahub-sinks",
        },
    );
    #[cfg(feature = "s3")]
    builder.sink::<crate::store::Bucket>();
    #[cfg(not(feature = "s3"))]
    builder.absent(
        Kind::Sink,
        Absent { type_name: "bahub.sinks.s3", aliases: &["s3"], brought_by: "the cargo feature \"s3\" of bahub-sinks" },
    );
    builder.absent(
        Kind::Sink,
        Absent {
            type_name: "bahub.sinks.store",
            aliases: &[],
            brought_by: "its two parts: bahub.sinks.directory for file:// and bahub.sinks.s3 for s3://; or remove `type`",
        },
    );
    builder.absent(
        Kind::Sink,
        Absent {
            type_name: "bahub.sinks.objects",
            aliases: LATER,
            brought_by: "a later version; until then use s3:// (most object stores speak S3) or file:// on a mount",
        },
    );
}

/// The sinks that an agent can use directly, by this build's features.
pub fn agent_sinks() -> Vec<Arc<dyn DirectSink>> {
    vec![
        #[cfg(feature = "repository")]
        Arc::new(crate::repository::DirectRepository),
    ]
}
