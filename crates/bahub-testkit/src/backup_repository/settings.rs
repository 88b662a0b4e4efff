use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// The behaviour of the server as a whole; `default()` is that of the real one.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; by default a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// The time between an upload's last byte and its registration, in which the client may still cancel: 2 seconds.
    pub registration_delay: Duration,
    /// Logins and refreshes that one address may try per minute: 10. `None` lifts the limit.
    pub logins_per_minute: Option<usize>,
    /// Under which path versions are listed.
    pub listing: Listing,
    /// Whether a refreshed token is accepted. The real server never records one as granted, and so refuses it: `false`.
    pub accept_refreshed_tokens: bool,
    /// The folder in which a temporary one for the bodies is created; by default the system's.
    pub dir: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            registration_delay: Duration::from_secs(2),
            logins_per_minute: Some(10),
            listing: Listing::Stable,
            accept_refreshed_tokens: false,
            dir: None,
        }
    }
}

impl Settings {
    /// The real behaviour, except for a wait of 20 milliseconds before a version is registered.
    pub fn quick() -> Self {
        Self { registration_delay: Duration::from_millis(20), ..Self::default() }
    }
}

/// The path under which versions are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// `/api/stable/...`, as the server's code has it; `/api/alpha/...` is a 404.
    Stable,
    /// `/api/alpha/...`, as the server's documents have it; `/api/stable/...` is a 404.
    Alpha,
}

/// The limits of a collection.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How many versions are kept; the oldest is rotated away when one more is registered.
    pub max_versions: usize,
    /// The largest version, in bytes.
    pub max_version_bytes: u64,
    /// The largest sum of all versions, in bytes. What exceeds `max_versions * max_version_bytes` is extra space that
    /// single versions may use above their own limit. `None` means no extra space.
    pub max_total_bytes: Option<u64>,
    /// Whether now is inside a backup window.
    pub windows_open: bool,
    /// The secret that the collection's health check requires; `None` leaves it open.
    pub health_secret: Option<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_versions: 10,
            max_version_bytes: 64 << 30,
            max_total_bytes: None,
            windows_open: true,
            health_secret: None,
        }
    }
}

impl Limits {
    fn standard_total(&self) -> u64 {
        self.max_version_bytes.saturating_mul(self.max_versions as u64)
    }

    pub(super) fn total(&self) -> u64 {
        self.max_total_bytes.unwrap_or(self.standard_total())
    }

    /// The maximal size of a new version, beside the remaining versions of these sizes.
    pub(super) fn allowed_for_new(&self, staying: impl Iterator<Item = u64>) -> u64 {
        let extra = self.total().saturating_sub(self.standard_total());
        let used: u64 = staying.map(|bytes| bytes.saturating_sub(self.max_version_bytes)).sum();
        self.max_version_bytes.saturating_add(extra.saturating_sub(used))
    }
}
