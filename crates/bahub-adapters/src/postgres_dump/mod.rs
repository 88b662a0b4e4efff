//! PostgreSQL, by the client programs of the host where they run: logical dumps as of one moment, restored into a new
//! database that takes over the old one's name in one transaction.
//!
//! `docs/adapters/postgres_dump.md` describes what is in a backup, which rights it needs, and what a failed restore leaves
//! behind.

mod account;
mod capture;
mod catalog;
mod census;
mod check;
mod config;
mod explain;
mod form;
mod lease;
mod needs;
mod preflight;
mod release;
mod restore;
mod roles;
mod scope;
mod script;
mod sql;
mod wipe;

pub use config::{Format, OnDatabaseFailure, PostgresDumpConfig, SslMode};

use std::ffi::OsString;

use bahub_core::adapter::{Adapter, AdapterCapability, Diagnosis, Findings, Probe, StepFailure};
use bahub_core::capture::{Capture, OnFailure};
use bahub_core::census::CensusUnits;
use bahub_core::registry::{Component, SpecError};
use bahub_core::replay::{Replay, ReplayTarget, Scratch, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::step::Step;

use account::Account;
use scope::Scope;

/// Dumps one database, some, or all of them with roles and tablespaces.
#[derive(Debug)]
pub struct PostgresDump {
    account: Account,
    scope: Scope,
    exclude_tables: Vec<String>,
    format: Format,
    globals: bool,
    schema_only: bool,
    extra_args: Vec<String>,
    on_failure: OnFailure,
    counts: bool,
}

impl Component for PostgresDump {
    const TYPE: &'static str = "bahub.adapters.postgres_dump";
    const SUMMARY: &'static str = "PostgreSQL, with the pg_dump of the host or container that the transport reaches";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = PostgresDumpConfig;
    type Context = ();

    fn from_config(config: PostgresDumpConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        config.check()
    }
}

impl Adapter for PostgresDump {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        use AdapterCapability::{Database, InPlace, KeepOld, Members, Roles, Scratch};
        match self.scope {
            Scope::One(_) => &[Database, Scratch, InPlace, KeepOld],
            Scope::Some(_) | Scope::All { .. } if self.globals => {
                &[Database, Members, Roles, Scratch, InPlace, KeepOld]
            }
            Scope::Some(_) | Scope::All { .. } => &[Database, Members, Scratch, InPlace, KeepOld],
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
        Some(lease::cleanup_stale(self))
    }

    fn census(&self, target: &ReplayTarget) -> Option<Step> {
        census::census(self, target)
    }

    fn census_prefix(&self, target: &ReplayTarget) -> Option<String> {
        census::prefix(self, target)
    }

    fn drill_parts(&self, stored: &Stored) -> Vec<OsString> {
        form::parts(self, stored)
    }

    fn scratch(&self, run: &str) -> Result<Scratch, Unsupported> {
        Ok(lease::scratch(self, run))
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
