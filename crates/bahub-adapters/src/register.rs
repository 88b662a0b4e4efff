//! The adapters in this crate.

use bahub_core::registry::RegistryBuilder;

/// Adds every adapter in this build, and names those that are not.
pub fn register(builder: &mut RegistryBuilder) {
    #[cfg(feature = "command")]
    builder.adapter::<crate::command::Command>();
    #[cfg(not(feature = "command"))]
    absent(builder, "bahub.adapters.command", "the cargo feature `command` of bahub-adapters");
    #[cfg(feature = "filesystem")]
    builder.adapter::<crate::filesystem::Filesystem>();
    #[cfg(not(feature = "filesystem"))]
    absent(builder, "bahub.adapters.filesystem", "the cargo feature `filesystem` of bahub-adapters");
    #[cfg(feature = "mysql")]
    builder.adapter::<crate::mysql::Mysql>();
    #[cfg(not(feature = "mysql"))]
    absent(builder, "bahub.adapters.mysql", "the cargo feature `mysql` of bahub-adapters");
    #[cfg(feature = "postgres_dump")]
    builder.adapter::<crate::postgres_dump::PostgresDump>();
    #[cfg(not(feature = "postgres_dump"))]
    absent(builder, "bahub.adapters.postgres_dump", "the cargo feature `postgres_dump` of bahub-adapters");
    #[cfg(feature = "redis")]
    builder.adapter::<crate::redis::Redis>();
    #[cfg(not(feature = "redis"))]
    absent(builder, "bahub.adapters.redis", "the cargo feature `redis` of bahub-adapters");
    #[cfg(feature = "sqlite")]
    builder.adapter::<crate::sqlite::Sqlite>();
    #[cfg(not(feature = "sqlite"))]
    absent(builder, "bahub.adapters.sqlite", "the cargo feature `sqlite` of bahub-adapters");
}

#[cfg(not(all(
    feature = "filesystem",
    feature = "mysql",
    feature = "postgres_dump",
    feature = "redis",
    feature = "sqlite"
)))]
fn absent(builder: &mut RegistryBuilder, type_name: &'static str, brought_by: &'static str) {
    use bahub_core::registry::{Absent, Kind};
    builder.absent(Kind::Adapter, Absent { type_name, aliases: &[], brought_by });
}
