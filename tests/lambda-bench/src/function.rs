//! A function's process: it is started, gets events, writes a log, reports its usage, and is always
//! stopped.

use crate::runtime_api::{News, RuntimeApi};
use crate::{Error, Result};
use hyper::body::Bytes;
use nix::sys::signal::{Signal, killpg};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// How long a killed process may take to end.
const DYING: Duration = Duration::from_secs(2);
/// How much of the end is shown, in bytes.
const SHOWN: usize = 4_000;

/// The program and its environment. It inherits no variables.
#[derive(Debug, Clone)]
pub struct Program {
    /// Shown to people, and used in the function's ARN.
    pub name: String,
    pub command: PathBuf,
    pub arguments: Vec<String>,
    /// `AWS_LAMBDA_RUNTIME_API` is added.
    pub environment: BTreeMap<String, String>,
}

/// How long to wait for a function.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The limit for its first request for an event.
    pub start: Duration,
    /// The limit for an answer, and for the next request for an event.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { start: Duration::from_secs(30), answer: Duration::from_secs(60) }
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    /// From sending the event to the end of the answer.
    pub took: Duration,
    /// From the start of the process to the end of the answer.
    pub since_start: Duration,
    pub document: Bytes,
}

/// A process in its own process group. Killed when dropped.
#[derive(Debug)]
pub struct Function {
    name: String,
    api: RuntimeApi,
    child: Child,
    pid: Pid,
    begun: Instant,
    startup: Duration,
    limits: Limits,
    log: Log,
}

impl Function {
    /// Starts the program. Returns when it asks for its first event.
    ///
    /// # Errors
    /// It cannot be started, ends, reports that it cannot start, or does not ask for an event in
    /// time.
    pub async fn start(program: &Program, limits: Limits) -> Result<Self> {
        let api = RuntimeApi::start(&program.name).await?;
        let log = Log::new()?;
        let mut command = Command::new(&program.command);
        command.args(&program.arguments).env_clear().envs(&program.environment);
        command.env("AWS_LAMBDA_RUNTIME_API", api.address().to_string());
        command.stdin(Stdio::null()).stdout(log.output()?).stderr(log.output()?).process_group(0).kill_on_drop(true);
        let begun = Instant::now();
        let child = command.spawn().map_err(Error::io(format!("start {}", program.command.display())))?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).expect("it has not been waited for");
        let (name, pid) = (program.name.clone(), Pid::from_raw(id));
        let mut function = Self { name, api, child, pid, begun, startup: Duration::ZERO, limits, log };
        match function.news(limits.start).await? {
            Some(News::Ready { at }) => function.startup = at - begun,
            Some(other) => return Err(function.unexpected(&format!("{other:?}"))),
            None => {
                return Err(Error::Silent { program: function.name.clone(), limit: limits.start, log: function.log() });
            }
        }
        Ok(function)
    }

    /// The moment just before the process was started.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    /// The time from the start until it asked for its first event.
    pub fn startup(&self) -> Duration {
        self.startup
    }

    /// Sends an event. Returns when it is answered and the function asks for the next one.
    ///
    /// # Errors
    /// The function fails, ends, or does not answer in time.
    pub async fn invoke(&mut self, event: impl Into<Bytes>) -> Result<Answer> {
        let expected = self.api.hand_out(event);
        let mut answer = None;
        loop {
            match self.news(self.limits.answer).await? {
                Some(News::Answered { id, took, at, document }) if id == expected => {
                    answer = Some(Answer { took, since_start: at - self.begun, document });
                }
                Some(News::Failed { id, document }) if id == expected => {
                    let document = String::from_utf8_lossy(&document).into_owned();
                    return Err(Error::Failed { program: self.name.clone(), document, log: self.log() });
                }
                Some(News::Ready { .. }) => {
                    if let Some(answer) = answer {
                        return Ok(answer);
                    }
                    // It asked again without an answer. Lambda would make it wait, too.
                }
                Some(other) => return Err(self.unexpected(&format!("{other:?}"))),
                None => {
                    let limit = self.limits.answer;
                    return Err(Error::NoAnswer { program: self.name.clone(), limit, log: self.log() });
                }
            }
        }
    }

    /// The same, and checks the JSON of the answer with `is_good`.
    ///
    /// # Errors
    /// As `invoke`, or the answer is wrong.
    pub async fn invoke_well(&mut self, event: impl Into<Bytes>, is_good: fn(&Value) -> bool) -> Result<Answer> {
        let answer = self.invoke(event).await?;
        let document = serde_json::from_slice(&answer.document).unwrap_or(Value::Null);
        if is_good(&document) { Ok(answer) } else { Err(self.unexpected(&String::from_utf8_lossy(&answer.document))) }
    }

    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.pid)
    }

    /// CPU time so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn cpu(&self) -> Result<Duration> {
        cpu_of(self.pid)
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Kills the process and waits for its end.
    pub async fn stop(mut self) {
        self.kill();
        let _ = self.child.wait().await;
    }

    /// `None` after `limit`.
    async fn news(&mut self, limit: Duration) -> Result<Option<News>> {
        let news = tokio::select! {
            biased;
            news = self.api.news() => news,
            status = self.child.wait() => return Err(self.ended(status)),
            () = tokio::time::sleep(limit) => return Ok(None),
        };
        if let News::CannotStart { document } = news {
            let document = String::from_utf8_lossy(&document).into_owned();
            return Err(Error::CannotStart { program: self.name.clone(), document, log: self.log() });
        }
        Ok(Some(news))
    }

    fn ended(&self, status: io::Result<ExitStatus>) -> Error {
        match status {
            Ok(status) => Error::Ended { program: self.name.clone(), status, log: self.log() },
            Err(source) => Error::io(format!("wait for {}", self.name))(source),
        }
    }

    fn unexpected(&self, answer: &str) -> Error {
        Error::Unexpected { program: self.name.clone(), answer: answer.to_owned(), log: self.log() }
    }

    fn log(&self) -> String {
        self.log.end()
    }

    fn kill(&self) {
        // Once the process has been waited for, another process may get its id.
        if self.child.id().is_some() {
            let _ = killpg(self.pid, Signal::SIGKILL);
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.kill();
        let killed = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && killed.elapsed() < DYING {
            std::thread::yield_now();
        }
    }
}

/// The resources that a process has used.
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
    fn of(pid: Pid) -> Result<Self> {
        let status = format!("/proc/{pid}/status");
        let text = fs::read_to_string(&status).map_err(Error::io(format!("read {status}")))?;
        let field = |name| memory(&text, name).ok_or_else(|| Error::io(format!("read {status}"))(missing(name)));
        Ok(Self { cpu: cpu_of(pid)?, resident: field("VmRSS:")?, peak: field("VmHWM:")? })
    }
}

fn cpu_of(pid: Pid) -> Result<Duration> {
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

/// The output of a function: an unnamed file, which never outlives the process.
#[derive(Debug)]
struct Log(File);

impl Log {
    /// # Errors
    /// The folder for temporary files is full or read-only.
    fn new() -> Result<Self> {
        let path = log_path();
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let file = file.and_then(|file| fs::remove_file(&path).map(|()| file));
        file.map(Self).map_err(Error::io(format!("write {}", path.display())))
    }

    /// A handle for the program's output.
    ///
    /// # Errors
    /// There are too many open files.
    fn output(&self) -> Result<Stdio> {
        self.0.try_clone().map(Stdio::from).map_err(Error::io("write a log"))
    }

    fn end(&self) -> String {
        let length = self.0.metadata().map_or(0, |metadata| metadata.len());
        let mut bytes = vec![0; SHOWN];
        // Reads with its own offset, since the writer's is shared.
        let read = self.0.read_at(&mut bytes, length.saturating_sub(SHOWN as u64)).unwrap_or(0);
        format!("The end of its log:\n{}", String::from_utf8_lossy(&bytes[..read]))
    }
}

fn log_path() -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("lambda-bench-{}-{number}.log", std::process::id()))
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
