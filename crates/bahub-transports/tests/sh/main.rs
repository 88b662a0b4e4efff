//! The `sh` transport against real programs of this host.
