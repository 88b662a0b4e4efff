//! A Backup Repository with one collection and one user.

use std::ops::Deref;

use bahub_testkit::backup_repository::{BackupRepository, Limits, Role, Settings};

use super::LIMIT;

/// The collection of the backup `tree`.
pub(crate) const COLLECTION: &str = "tree";
/// Who uploads.
pub(crate) const USER: &str = "backups";
/// Its password.
pub(crate) const PASSWORD: &str = "hunter22-of-the-server";

/// A running server.
pub(crate) struct Server {
    server: BackupRepository,
    token: String,
}

impl Server {
    /// Starts it.
    pub(crate) fn start() -> Self {
        Self::start_with(Settings::quick())
    }

    /// Starts it at a free port of this address, which containers reach.
    pub(crate) fn start_at(address: &str) -> Self {
        let listen = (address.parse::<std::net::IpAddr>().unwrap(), 0).into();
        Self::start_with(Settings { listen, ..Settings::quick() })
    }

    fn start_with(settings: Settings) -> Self {
        let server = wait(BackupRepository::start_with(Settings { logins_per_minute: None, ..settings }));
        server.add_collection(COLLECTION, Limits { max_versions: 100, ..Limits::default() });
        server.add_user(USER, PASSWORD, &[Role::BackupUploader, Role::BackupDownloader]);
        let token = server.token_for(USER);
        Self { server, token }
    }

    /// The access of a configuration that has a token.
    pub(crate) fn access(&self) -> String {
        format!("url: \"{}\", token: \"{}\"", self.url(), self.token)
    }

    /// The access of a configuration that has a name and a password.
    pub(crate) fn access_by_password(&self) -> String {
        format!("url: \"{}\", username: \"{USER}\", password: \"{PASSWORD}\"", self.url())
    }

    /// The token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The numbers of the versions that it holds.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.versions(COLLECTION).iter().map(|version| version.number).collect()
    }
}

impl Deref for Server {
    type Target = BackupRepository;

    fn deref(&self) -> &BackupRepository {
        &self.server
    }
}

/// Waits for something of the server.
pub(crate) fn wait<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, what).await }).expect("it happens in time")
}
