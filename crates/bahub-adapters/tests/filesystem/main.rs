//! The filesystem adapter against the real GNU tar and the real busybox.
