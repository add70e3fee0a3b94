//! Empty, for the bench alone counts: `cargo bench -p intake-bench`.
//!
//! A program's own package decides how the linker's optimiser treats all of it (`opt-level` in the workspace's Cargo.toml): intake's for
//! speed, the other functions' for size. So intake is measured in a program of its own, which is treated alike.
