//! The transports into pods, against real Kubernetes.

#![expect(clippy::unwrap_used, reason = "a test states what must hold")]

mod conforms;
mod execs;
mod finds;
mod instances;
mod places;
mod rights;
mod side;
mod side_custom;
mod side_either;
mod side_quiet;
mod side_resume;
mod side_rights;
mod silence;
mod support;
