//! The YAML configuration: loaded, checked, and made into plans.
//!
//! [`Configuration::load`] reads the files and checks what needs nothing outside of them: structure,
//! references, and the `spec` of every component that the registry holds. Variables, secret files, key files and
//! missing components matter for the backup that is used: [`Configuration::plan`]; [`Configuration::check`] looks at
//! everything. Every error names its file and line, and all of them are reported at once.
//!
//! What stands in `defaults` counts as part of the `meta` of each backup that does not set the same key.
//!
//! A value may hold `${VAR}`, `${VAR:-default}`, `${file:/run/secrets/x}` and `${CONFIG_DIR}`; `$${` is a literal
//! `${`. They are filled in after the file was parsed, so what they hold can never change its structure. A text is
//! taken as a number or a boolean where the field wants one and the text says exactly that: `"3306"`, `yes`, `off`.

mod components;
mod configuration;
mod defaults;
mod environment;
mod error;
mod errors;
mod expression;
mod finding;
mod keyfiles;
mod load;
mod loaded;
mod lookup;
mod merge;
mod meta;
mod model;
mod notifying;
mod places;
mod planning;
mod redaction;
mod resolve;
mod scheduling;
mod schema;
mod schemas;
mod sentences;
mod shape;
mod shown;
mod source;
mod structure;
mod suggest;
mod tree;
mod yaml;

pub use configuration::Configuration;
pub use environment::Environment;
pub use error::{ConfigError, ConfigErrorKind};
pub use errors::ConfigErrors;
pub use keyfiles::KeyUse;
pub use notifying::{Audience, NotifierPlan};
pub use places::{default_places, find_config};
pub use scheduling::ScheduledBackup;
pub use schema::schema;
