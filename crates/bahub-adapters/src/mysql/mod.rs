//! MySQL and MariaDB, by the client programs of the host where they run: logical dumps, consistent without a lock.
//!
//! `docs/adapters/mysql.md` describes what is in a backup, which rights it needs, and what a failed restore leaves behind.

mod account;
mod capture;
mod census;
mod check;
mod columns;
mod config;
mod copy;
mod explain;
mod extra;
mod legacy;
mod objects;
mod preflight;
mod record;
mod restore;
mod rights;
mod scope;
mod sql;
mod swap;
mod users;
mod version;

pub use config::{MysqlConfig, OnInvalidView, Tls, TlsMode};

use bahub_core::adapter::{Adapter, AdapterCapability, Diagnosis, Findings, Probe, StepFailure};
use bahub_core::capture::Capture;
use bahub_core::census::CensusUnits;
use bahub_core::registry::{Component, SpecError};
use bahub_core::replay::{Replay, ReplayTarget, Scratch, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::step::Step;

use account::Account;
use scope::{Scope, Table};

/// Dumps one database, some, or all of them with their users.
#[derive(Debug)]
pub struct Mysql {
    account: Account,
    scope: Scope,
    exclude_tables: Vec<Table>,
    users: bool,
    lock: bool,
    allow_other_client: bool,
    on_invalid_view: OnInvalidView,
    extra_args: Vec<String>,
    counts: bool,
}

impl Component for Mysql {
    const TYPE: &'static str = "bahub.adapters.mysql";
    const SUMMARY: &'static str =
        "MySQL and MariaDB, with the mariadb-dump or mysqldump of the host or container that the transport reaches";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = MysqlConfig;
    type Context = ();

    fn from_config(config: MysqlConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        config.check()
    }
}

impl Adapter for Mysql {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        match self.scope {
            Scope::One(_) => &[AdapterCapability::Database, AdapterCapability::Scratch, AdapterCapability::InPlace],
            // Its SQL names the databases.
            Scope::Some(_) | Scope::All { .. } => &[AdapterCapability::InPlace],
        }
    }

    fn preflight(&self, purpose: RunPurpose) -> Vec<Probe> {
        preflight::probes(self, purpose)
    }

    fn capture(&self, found: &Findings) -> Result<Capture, Unsupported> {
        capture::capture(self, found)
    }

    fn replay(&self, target: &ReplayTarget, found: &Findings, stored: &Stored) -> Result<Replay, Unsupported> {
        restore::replay(self, target, found, stored)
    }

    fn cleanup_stale(&self) -> Option<Step> {
        Some(census::cleanup_stale(self))
    }

    fn census(&self, target: &ReplayTarget) -> Option<Step> {
        census::census(self, target)
    }

    fn scratch(&self, run: &str) -> Result<Scratch, Unsupported> {
        census::scratch(self, run)
    }

    fn census_units(&self) -> CensusUnits {
        CensusUnits::tables()
    }

    fn restore_warning(&self, target: &ReplayTarget) -> Option<String> {
        restore::restore_warning(target).map(str::to_owned)
    }

    fn explain(&self, failure: &StepFailure) -> Option<Diagnosis> {
        explain::explain(failure)
    }
}
