//! A function's process: it is started, gets events, reports its usage, and is always stopped.

use crate::error::{Error, Result};
use crate::log::Log;
use crate::runtime_api::{News, RuntimeApi};
use crate::usage::{self, Usage};
use hyper::body::Bytes;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// How long a killed process may take to end.
const DYING: Duration = Duration::from_secs(2);

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
        usage::cpu(self.pid)
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

    fn ended(&self, status: std::io::Result<ExitStatus>) -> Error {
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
