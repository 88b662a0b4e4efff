//! Conformance suites, lying fakes and real test servers for bahub and for crates that extend it
