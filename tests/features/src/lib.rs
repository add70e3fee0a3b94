//! Empty: what counts are the dependencies.
//!
//! Cargo compiles a crate once for each set of features. With `--workspace` those of all dependencies are put together, but those of
//! dev-dependencies only when tests are built; so what a test alone switches on, low down, compiles everything above it twice.
//! A test of `tests/infrastructure` tells what is missing here.
