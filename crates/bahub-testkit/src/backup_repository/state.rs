use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::{
    faults::Fault,
    observe::RecordedRequest,
    permissions::{Actor, Role, ScopedElement},
    session::{RecordedLogin, Session, random_hex},
    settings::{Limits, Settings},
    storage::{StoredFile, StoredVersion},
};

/// All that the handlers and the test's handle share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) folder: tempfile::TempDir,
    /// Notified whenever something happened that a test may wait for.
    pub(super) happened: Notify,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) collections: BTreeMap<String, Collection>,
    pub(super) users: BTreeMap<String, User>,
    pub(super) sessions: Vec<Session>,
    pub(super) logins: Vec<RecordedLogin>,
    pub(super) requests: Vec<RecordedRequest>,
    pub(super) faults: Vec<Fault>,
    auth_attempts: HashMap<IpAddr, Vec<Instant>>,
}

#[derive(Debug)]
pub(super) struct Collection {
    pub(super) limits: Limits,
    pub(super) versions: Vec<StoredVersion>,
    pub(super) granted: BTreeMap<String, Vec<Role>>,
    /// The bytes received by the upload in progress; it is the collection's lock too.
    pub(super) uploading: Option<u64>,
}

#[derive(Debug)]
pub(super) struct User {
    pub(super) password: String,
    pub(super) roles: Vec<Role>,
    pub(super) access_keys: BTreeMap<String, AccessKey>,
}

#[derive(Debug)]
pub(super) struct AccessKey {
    pub(super) password: String,
    pub(super) objects: Vec<ScopedElement>,
}

impl Shared {
    pub(super) fn new(settings: Settings, folder: tempfile::TempDir) -> Arc<Self> {
        Arc::new(Self { settings, folder, happened: Notify::new(), state: Mutex::default() })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the state")
    }

    pub(super) fn new_file(&self) -> Arc<StoredFile> {
        StoredFile::at(Path::join(self.folder.path(), random_hex()))
    }

    /// Counts an authentication attempt; false if the address had too many in the last minute.
    pub(super) fn admit_auth_attempt(&self, address: IpAddr) -> bool {
        let Some(limit) = self.settings.logins_per_minute else { return true };
        let mut state = self.state();
        let attempts = state.auth_attempts.entry(address).or_default();
        attempts.retain(|at| at.elapsed() < Duration::from_mins(1));
        if attempts.len() >= limit {
            return false;
        }
        attempts.push(Instant::now());
        true
    }
}

impl State {
    /// Calls `decide` with the actor of this session on this collection. A removed user may do nothing.
    pub(super) fn permits(&self, session: &Session, collection: &str, decide: impl FnOnce(&Actor<'_>) -> bool) -> bool {
        let Some(user) = self.users.get(&session.user) else { return false };
        let granted = self.collections.get(collection).and_then(|c| c.granted.get(&session.user));
        let access_key = session
            .access_key
            .as_ref()
            .map(|name| user.access_keys.get(name).map_or::<&[ScopedElement], _>(&[], |key| &key.objects));
        decide(&Actor {
            roles: &user.roles,
            granted_on_collection: granted.map_or(&[], Vec::as_slice),
            access_key,
            scope: session.scope.as_ref(),
        })
    }
}

impl Collection {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, versions: Vec::new(), granted: BTreeMap::new(), uploading: None }
    }

    pub(super) fn next_number(&self) -> u64 {
        self.versions.iter().map(|version| version.number).max().unwrap_or(0) + 1
    }

    /// How many of the oldest versions are rotated away when one more is registered.
    fn rotated_by_next(&self) -> usize {
        (self.versions.len() + 1).saturating_sub(self.limits.max_versions).min(self.versions.len())
    }

    pub(super) fn allowed_for_new(&self) -> u64 {
        self.limits.allowed_for_new(self.versions[self.rotated_by_next()..].iter().map(|version| version.bytes))
    }

    pub(super) fn rotate(&mut self) {
        self.versions.drain(..self.rotated_by_next());
    }

    pub(super) fn register(&mut self, version: StoredVersion) {
        self.rotate();
        self.versions.push(version);
    }

    /// Finds `latest`, `3` or `v3`.
    pub(super) fn find(&self, version: &str) -> Option<&StoredVersion> {
        if version == "latest" {
            return self.versions.last();
        }
        let number: u64 = version.strip_prefix('v').unwrap_or(version).parse().ok()?;
        self.versions.iter().find(|version| version.number == number)
    }
}
