#![doc = include_str!("../README.md")]

mod intake;
mod message;
mod model;
mod operations;
mod outcome;
mod settings;
mod world;

pub use intake::intake;
pub use message::message;
pub use model::{envelope, legacy_array, normaliser, resource_path};
pub use operations::operations;
pub use outcome::outcome;
pub use settings::settings;

/// A function with its name, which its fuzzer and its corpus share.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: [Target; 9] = [
    ("intake", intake),
    ("envelope", envelope),
    ("normaliser", normaliser),
    ("resource_path", resource_path),
    ("legacy_array", legacy_array),
    ("outcome", outcome),
    ("settings", settings),
    ("message", message),
    ("operations", operations),
];
