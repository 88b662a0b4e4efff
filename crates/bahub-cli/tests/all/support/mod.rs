//! What every claim stands on: a folder with keys, data and a configuration, the program in it, and fake tars.

mod far;
pub(crate) mod grid;
mod process;
mod pty;
mod run;
mod running;
mod scene;
mod server;
mod shim;

pub(crate) use far::{Watch, comes_back, own_address, routes};
pub(crate) use process::{Processes, all_processes, is_gone};
pub(crate) use pty::Pty;
pub(crate) use run::Run;
pub(crate) use running::Running;
pub(crate) use scene::{EMAIL, Scene, compare};
pub(crate) use server::{COLLECTION, PASSWORD, Server, wait};
pub(crate) use shim::{Gate, REAL_TAR, held_tar, is_create, shim};

use std::time::Duration;

/// How long anything may take that a test waits for.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);
