#![doc = include_str!("../README.md")]

mod accept;
mod config;
mod content;
mod event;
mod handler;
mod headers;
mod invocation;
mod problem;
mod source_ip;
mod target;
mod verify;

pub use config::Config;
pub use event::without_url_parts;
pub use handler::{Intake, Limits};
