//! The resources that a process has used.

use crate::error::{Error, Result};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use std::time::Duration;
use std::{fs, io};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// User and system time of all threads, including ended ones, to the nanosecond.
    pub cpu: Duration,
    /// Current resident memory in bytes.
    pub resident: u64,
    /// Peak resident memory in bytes.
    pub peak: u64,
}

impl Usage {
    pub(crate) fn of(pid: Pid) -> Result<Self> {
        let status = format!("/proc/{pid}/status");
        let text = fs::read_to_string(&status).map_err(Error::io(format!("read {status}")))?;
        let field = |name| memory(&text, name).ok_or_else(|| Error::io(format!("read {status}"))(missing(name)));
        Ok(Self { cpu: cpu(pid)?, resident: field("VmRSS:")?, peak: field("VmHWM:")? })
    }
}

pub(crate) fn cpu(pid: Pid) -> Result<Duration> {
    let time = clock_getcpuclockid(pid).and_then(|clock| clock.now());
    let time = time.map_err(|errno| Error::io(format!("read the CPU time of {pid}"))(errno.into()))?;
    Ok(time.into())
}

/// In bytes.
fn memory(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn missing(field: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it has no {field}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_something() {
        let usage = Usage::of(Pid::this()).unwrap();
        assert!(usage.cpu > Duration::ZERO);
        assert!(usage.peak >= usage.resident && usage.resident > 100_000, "{usage:?}");
    }

    #[test]
    fn reports_memory_in_bytes() {
        assert_eq!(memory("Name:\tx\nVmRSS:\t    2204 kB\n", "VmRSS:"), Some(2_256_896));
        assert_eq!(memory("Name:\tx\n", "VmRSS:"), None);
    }
}
