#![doc = include_str!("../README.md")]

mod claims;
mod database;
mod history;
mod run;

pub use claims::{Claim, ServiceLock};
pub use history::{BackupHistory, History, HistoryError, NotifierHistory, RunFilter, default_folder};
pub use run::PastRun;
