//! Which notifiers this build has, and which features provide the others.

use bahub_core::registry::RegistryBuilder;
#[cfg(not(all(feature = "http", feature = "email", feature = "exec")))]
use bahub_core::registry::{Absent, Kind};

/// Registers the notifiers that are enabled by features, and names the others as absent.
pub fn register(builder: &mut RegistryBuilder) {
    builder.notifier::<crate::silent::Silent>();
    #[cfg(feature = "http")]
    crate::http::register(builder);
    #[cfg(not(feature = "http"))]
    for (type_name, aliases) in [
        ("bahub.notifiers.slack", &["slack"][..]),
        ("bahub.notifiers.mattermost", &["mattermost"]),
        ("bahub.notifiers.webhook", &["webhook"]),
        ("bahub.notifiers.ntfy", &["ntfy"]),
    ] {
        absent(builder, type_name, aliases, "the cargo feature \"http\" of bahub-notifiers");
    }
    #[cfg(feature = "email")]
    builder.notifier::<crate::email::Email>();
    #[cfg(not(feature = "email"))]
    absent(builder, "bahub.notifiers.email", &["email"], "the cargo feature \"email\" of bahub-notifiers");
    #[cfg(feature = "exec")]
    builder.notifier::<crate::exec::Exec>();
    #[cfg(not(feature = "exec"))]
    absent(builder, "bahub.notifiers.exec", &["exec"], "the cargo feature \"exec\" of bahub-notifiers");
}

#[cfg(not(all(feature = "http", feature = "email", feature = "exec")))]
fn absent(
    builder: &mut RegistryBuilder,
    type_name: &'static str,
    aliases: &'static [&'static str],
    brought_by: &'static str,
) {
    builder.absent(Kind::Notifier, Absent { type_name, aliases, brought_by });
}
