//! Prints the progress of a command.

use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Steps {
    start: Instant,
    total: usize,
    at: usize,
}

impl Steps {
    pub(crate) fn new(total: usize) -> Self {
        Self { start: Instant::now(), total, at: 0 }
    }

    pub(crate) fn next(&mut self, what: &str) {
        self.at += 1;
        println!("[{}/{}] {:5.1} s  {what}", self.at, self.total, self.start.elapsed().as_secs_f64());
    }

    pub(crate) fn done(&self, what: &str) {
        println!("      {:5.1} s  {what}", self.start.elapsed().as_secs_f64());
    }
}
