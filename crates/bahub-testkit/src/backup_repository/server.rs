use std::{convert::Infallible, net, sync::Arc, thread};

use tokio::sync::oneshot;

use super::{
    faults::Fault,
    observe::RecordedRequest,
    permissions::{Role, ScopedElement},
    serve::serve,
    session::{ActiveSession, RecordedLogin, Session, random_uuid},
    settings::{Limits, Settings},
    state::{AccessKey, Collection, Shared, State, User},
    storage::StoredVersion,
};

/// A running Backup Repository; it stops, and its folder is removed, when this value is dropped.
#[derive(Debug)]
pub struct BackupRepository {
    shared: Arc<Shared>,
    address: net::SocketAddr,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl BackupRepository {
    /// Starts a server that behaves like the real one, on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When no port, folder or thread is available.
    pub async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    /// Starts a server with these settings.
    ///
    /// # Panics
    /// When no such port, folder or thread is available.
    pub async fn start_with(settings: Settings) -> Self {
        let listener = net::TcpListener::bind(settings.listen).expect("the address can be listened on");
        listener.set_nonblocking(true).expect("a fresh socket can be made non-blocking");
        let address = listener.local_addr().expect("a bound socket has an address");
        let mut folder = tempfile::Builder::new();
        folder.prefix("test-backup-repository-");
        let folder = match &settings.dir {
            Some(dir) => folder.tempdir_in(dir),
            None => folder.tempdir(),
        };
        let shared = Shared::new(settings, folder.expect("a temporary folder can be made"));
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("backup-repository".to_owned())
            .spawn(move || serve(listener, &served, stopped))
            .expect("a thread can be started");
        Self { shared, address, stop: Some(stop), thread: Some(thread) }
    }

    /// The server's URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a collection, or replaces one with all its versions.
    pub fn add_collection(&self, id: &str, limits: Limits) {
        self.state().collections.insert(id.to_owned(), Collection::new(limits));
    }

    /// Opens or closes a collection's backup window.
    ///
    /// # Panics
    /// When there is no such collection.
    pub fn set_window(&self, collection: &str, open: bool) {
        self.with_collection(collection, |collection| collection.limits.windows_open = open);
    }

    /// Adds a user whose roles hold for every collection.
    pub fn add_user(&self, name: &str, password: &str, roles: &[Role]) {
        let user = User { password: password.to_owned(), roles: roles.to_vec(), access_keys: Default::default() };
        self.state().users.insert(name.to_owned(), user);
    }

    /// Grants a user roles on one collection (the collection's `accessControl`).
    ///
    /// # Panics
    /// When there is no such collection.
    pub fn grant(&self, collection: &str, user: &str, roles: &[Role]) {
        self.with_collection(collection, |collection| collection.granted.insert(user.to_owned(), roles.to_vec()));
    }

    /// Adds an access key to a user, who logs in as `user$key` with its password and may then do only this, and only
    /// what the user may.
    ///
    /// # Panics
    /// When there is no such user.
    pub fn add_access_key(&self, user: &str, key: &str, password: &str, objects: &[ScopedElement]) {
        let mut state = self.state();
        let user = state.users.get_mut(user).expect("the user was added before");
        let key_entry = AccessKey { password: password.to_owned(), objects: objects.to_vec() };
        user.access_keys.insert(key.to_owned(), key_entry);
    }

    /// Creates a token for this user, without a login.
    pub fn token_for(&self, user: &str) -> String {
        let session = Session::new(user, None, None);
        let token = session.token.clone();
        self.state().sessions.push(session);
        token
    }

    /// Accepts this token as one of this user.
    pub fn add_token(&self, user: &str, token: &str) {
        let session = Session { token: token.to_owned(), ..Session::new(user, None, None) };
        self.state().sessions.push(session);
    }

    /// Lets 6 hours pass for every token granted so far.
    pub fn expire_tokens(&self) {
        for session in &mut self.state().sessions {
            session.expires = session.created;
        }
    }

    /// The versions in a collection, oldest first.
    ///
    /// # Panics
    /// When there is no such collection.
    pub fn versions(&self, collection: &str) -> Vec<StoredVersion> {
        self.with_collection(collection, |collection| collection.versions.clone())
    }

    /// Puts a version into a collection past all checks, rotates, and returns its number.
    ///
    /// # Panics
    /// When there is no such collection, or the body cannot be stored.
    pub fn put_version(&self, collection: &str, data: &[u8]) -> u64 {
        let file = self.shared.new_file();
        let number = self.with_collection(collection, |collection| collection.next_number());
        let mut version = StoredVersion {
            number,
            bytes: 0,
            filename: format!("{collection}-{number}.tar.gz"),
            user: "test".to_owned(),
            id: random_uuid(),
            collection: collection.to_owned(),
            session: String::new(),
            created: jiff::Timestamp::now(),
            file,
        };
        version.overwrite(data).expect("the server's folder can be written");
        self.with_collection(collection, |collection| collection.register(version));
        number
    }

    /// Changes the stored body of a version; its registered size follows.
    ///
    /// # Panics
    /// When there is no such version, or its body cannot be read or written.
    pub fn tamper(&self, collection: &str, version: u64, change: impl FnOnce(&mut Vec<u8>)) {
        self.with_collection(collection, |collection| {
            let found = collection.versions.iter_mut().find(|stored| stored.number == version);
            let stored = found.expect("the version was registered before");
            let mut data = stored.data();
            change(&mut data);
            stored.overwrite(&data).expect("the server's folder can be written");
        });
    }

    /// Queues a fault; if several match a request, the first is used.
    pub fn misbehave(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Forgets all faults.
    pub fn behave(&self) {
        self.state().faults.clear();
    }

    /// The sessions opened by logins that are neither revoked nor expired.
    pub fn active_sessions(&self) -> Vec<ActiveSession> {
        let state = self.state();
        let active =
            state.sessions.iter().filter(|session| session.logged_in && !session.revoked && !session.is_expired());
        active
            .map(|session| ActiveSession {
                id: session.id.clone(),
                user: session.user.clone(),
                access_key: session.access_key.clone(),
                scope: session.scope.clone(),
            })
            .collect()
    }

    /// Every valid login attempt, in order.
    pub fn logins(&self) -> Vec<RecordedLogin> {
        self.state().logins.clone()
    }

    /// Every request, in order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state().requests.clone()
    }

    /// Waits until an upload to this collection is in progress and has sent this many bytes.
    ///
    /// # Panics
    /// When there is no such collection.
    pub async fn upload_reached(&self, collection: &str, bytes: u64) {
        self.until(|server| {
            server.with_collection(collection, |c| c.uploading.is_some_and(|received| received >= bytes))
        })
        .await;
    }

    /// Waits until no upload to this collection is in progress. One that has not reached the server does not count: wait for
    /// [`upload_reached`](Self::upload_reached) first.
    ///
    /// # Panics
    /// When there is no such collection.
    pub async fn upload_over(&self, collection: &str) {
        self.until(|server| server.with_collection(collection, |c| c.uploading.is_none())).await;
    }

    /// Waits until a condition holds; it is checked whenever something happens in the server.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        loop {
            let mut happened = std::pin::pin!(self.shared.happened.notified());
            happened.as_mut().enable();
            if condition(self) {
                return;
            }
            happened.await;
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state()
    }

    fn with_collection<T>(&self, id: &str, act: impl FnOnce(&mut Collection) -> T) -> T {
        act(self.state().collections.get_mut(id).expect("the collection was added before"))
    }
}

impl Drop for BackupRepository {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server was printed by its own thread.
            let _ = thread.join();
        }
    }
}
