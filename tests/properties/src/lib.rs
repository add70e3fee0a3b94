#![doc = include_str!("../README.md")]

mod envelope;
mod intake;
mod legacy_array;
mod message;
mod normaliser;
mod operations;
mod outcome;
mod request;
mod resource_path;
mod settings;
mod world;

pub use envelope::envelope;
pub use intake::intake;
pub use legacy_array::legacy_array;
pub use message::message;
pub use normaliser::normaliser;
pub use operations::operations;
pub use outcome::outcome;
pub use resource_path::resource_path;
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
