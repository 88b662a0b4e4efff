//! The suites of the testkit.
