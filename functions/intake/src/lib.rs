#![doc = include_str!("../README.md")]

#[cfg(panic = "abort")]
compile_error!("a request that panics must be answered 503; build with panic = \"unwind\"");

mod accept;
mod content;
mod event;
mod handler;
mod headers;
mod intake;
mod problem;
mod target;
mod text;
mod verify;
pub mod wiring;

pub use event::{Event, answer};
pub use intake::{Intake, Limits};
