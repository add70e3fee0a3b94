//! What a process has used.

use crate::error::{Error, Result};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use std::time::Duration;
use std::{fs, io};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// User and system time of all its threads, those that have ended included, to the nanosecond.
    pub cpu: Duration,
    /// Resident memory now, in bytes.
    pub resident: u64,
    /// The most resident memory that it ever had, in bytes.
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

/// Bytes.
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
    fn memory_is_told_in_bytes() {
        assert_eq!(memory("Name:\tx\nVmRSS:\t    2204 kB\n", "VmRSS:"), Some(2_256_896));
        assert_eq!(memory("Name:\tx\n", "VmRSS:"), None);
    }
}
