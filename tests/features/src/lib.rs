//! Empty: only the dependencies matter.
//!
//!
//! Cargo compiles a crate once for each set of features. With `--workspace` it merges the features
//! of all dependencies, but those of dev-dependencies only when it builds tests. So a feature that
//! only a test enables, low in the graph, compiles everything above it twice. A test of
//! `tests/repo-checks` reports features that are missing here.
