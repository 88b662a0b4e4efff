//! Which adapters this crate brings.

use bahub_core::registry::{Absent, Kind, RegistryBuilder};

/// Adds every adapter that this build holds, and names those that it does not.
pub fn register(builder: &mut RegistryBuilder) {
    #[cfg(feature = "filesystem")]
    builder.adapter::<crate::filesystem::Filesystem>();
    #[cfg(not(feature = "filesystem"))]
    builder.absent(
        Kind::Adapter,
        Absent {
            type_name: "bahub.adapters.filesystem",
            aliases: &[],
            brought_by: "the cargo feature `filesystem` of bahub-adapters",
        },
    );
    #[cfg(feature = "mysql")]
    builder.adapter::<crate::mysql::Mysql>();
    #[cfg(not(feature = "mysql"))]
    builder.absent(
        Kind::Adapter,
        Absent {
            type_name: "bahub.adapters.mysql",
            aliases: &[],
            brought_by: "the cargo feature `mysql` of bahub-adapters",
        },
    );
    builder.absent(
        Kind::Adapter,
        Absent {
            type_name: "bahub.adapters.postgres_dump",
            aliases: &[],
            brought_by: "a later version of bahub-adapters",
        },
    );
}
