//! Child processes, which never outlive this program.

use crate::error::{Error, Log, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(20);
/// The time between the signal to stop and the kill.
const GRACE: Duration = Duration::from_secs(5);

/// Whether this program was asked to stop. Every wait checks it, so that stopping unwinds like an
/// error.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(crate) fn listen() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&flag)).map_err(Error::io("listen for Ctrl-C"))?;
        }
        Ok(Self(flag))
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Polls until there is an answer or `limit` has passed.
    pub(crate) fn poll<T>(&self, limit: Duration, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
        let start = Instant::now();
        loop {
            self.check()?;
            if let Some(answer) = ask()? {
                return Ok(Some(answer));
            }
            if start.elapsed() >= limit {
                return Ok(None);
            }
            std::thread::sleep(POLL);
        }
    }

    /// Runs a program to its end.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        self.serve(command, || Ok(()))
    }

    /// Runs a program to its end. After `limit` it stops the program and returns false.
    pub(crate) fn run_for(&self, command: &mut Command, limit: Duration) -> Result<bool> {
        self.complete(command, limit, || Ok(()))
    }

    /// Runs a program to its end. After `limit` it stops the program and returns `None`.
    pub(crate) fn status(&self, command: &mut Command, limit: Duration) -> Result<Option<ExitStatus>> {
        self.attend(command, limit, || Ok(()))
    }

    /// Runs a program to its end, and serves its requests meanwhile.
    pub(crate) fn serve(&self, command: &mut Command, serve: impl FnMut() -> Result<()>) -> Result<()> {
        self.complete(command, Duration::MAX, serve)?;
        Ok(())
    }

    fn complete(&self, command: &mut Command, limit: Duration, meanwhile: impl FnMut() -> Result<()>) -> Result<bool> {
        match self.attend(command, limit, meanwhile)? {
            Some(status) if !status.success() => Err(Error::Failed { command: line(command), status }),
            status => Ok(status.is_some()),
        }
    }

    fn attend(
        &self,
        command: &mut Command,
        limit: Duration,
        mut meanwhile: impl FnMut() -> Result<()>,
    ) -> Result<Option<ExitStatus>> {
        let mut child = spawn(command)?;
        let waited = self.poll(limit, || {
            meanwhile()?;
            child.try_wait().map_err(Error::io("wait for a program"))
        });
        if !matches!(waited, Ok(Some(_))) {
            let _ = kill_process(Pid::from_child(&child), Signal::TERM);
            end(&mut child, GRACE);
        }
        waited
    }
}

/// A program in the background, with its children. Stops when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    what: &'static str,
    command: Command,
    child: Child,
    log: Log,
}

impl Server {
    pub(crate) fn start(what: &'static str, mut command: Command, log: &Path) -> Result<Self> {
        let file = File::create(log).map_err(Error::io(format!("write {}", log.display())))?;
        let copy = file.try_clone().map_err(Error::io(format!("write {}", log.display())))?;
        // Its own process group: Ctrl-C in the terminal must neither reach it before this program
        // stops it, nor miss its children.
        command.process_group(0).stdin(Stdio::null()).stdout(file).stderr(copy);
        let child = spawn(&mut command)?;
        Ok(Self { what, command, child, log: Log(log.to_owned()) })
    }

    /// Asks it to stop, gives it `grace` to write its state, and starts it again.
    pub(crate) fn restart(&mut self, grace: Duration) -> Result<()> {
        self.stop(grace);
        self.child = spawn(&mut self.command)?;
        Ok(())
    }

    fn stop(&mut self, grace: Duration) {
        let group = Pid::from_child(&self.child);
        let _ = kill_process_group(group, Signal::TERM);
        end(&mut self.child, grace);
        // Kills children that outlived their leader: the functions of MiniStack.
        let _ = kill_process_group(group, Signal::KILL);
    }

    pub(crate) fn log(&self) -> Log {
        self.log.clone()
    }

    /// # Errors
    /// It has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait().map_err(Error::io("wait for a program"))? {
            Some(status) => Err(Error::Stopped { what: self.what, status, log: self.log() }),
            None => Ok(()),
        }
    }

    /// Waits for the first sign of life.
    pub(crate) fn wait<T>(&mut self, interrupt: &Interrupt, mut alive: impl FnMut() -> Option<T>) -> Result<T> {
        let limit = Duration::from_secs(30);
        let answer = interrupt.poll(limit, || {
            self.check()?;
            Ok(alive())
        })?;
        answer.ok_or_else(|| Error::NotUp { what: self.what, limit, log: self.log() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop(GRACE);
    }
}

fn spawn(command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|error| Error::io(format!("run `{}`", line(command)))(error))
}

/// Waits for a program that was asked to stop, and kills it after `grace`.
fn end(child: &mut Child, grace: Duration) {
    let start = Instant::now();
    while matches!(child.try_wait(), Ok(None)) && start.elapsed() < grace {
        std::thread::sleep(POLL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The command as a user would type it.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::test_kill_process;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn interrupt(raised: bool) -> Interrupt {
        Interrupt(Arc::new(AtomicBool::new(raised)))
    }

    #[test]
    fn stopping_a_server_stops_its_children() {
        let log = std::env::temp_dir().join(format!("xtask-process-test-{}.log", std::process::id()));
        // The child ignores the signal that asks it to stop.
        let script = "(trap '' TERM; while :; do sleep 1; done) & echo $!; wait";
        let mut server = Server::start("The test", shell(script), &log).unwrap();
        let child: i32 = server
            .wait(&interrupt(false), || std::fs::read_to_string(&log).ok()?.strip_suffix('\n')?.parse().ok())
            .unwrap();
        let child = Pid::from_raw(child).unwrap();
        assert!(test_kill_process(child).is_ok());
        drop(server);
        let gone = interrupt(false).poll(Duration::from_secs(10), || Ok(test_kill_process(child).err()));
        assert!(gone.unwrap().is_some());
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_restart_lets_the_server_finish_and_appends_to_the_log() {
        let log = std::env::temp_dir().join(format!("xtask-process-test-restart-{}.log", std::process::id()));
        let script = "trap 'echo saved; exit' TERM; echo began; while :; do sleep 0.05; done";
        let mut server = Server::start("The test", shell(script), &log).unwrap();
        let text = || std::fs::read_to_string(&log).ok();
        server.wait(&interrupt(false), || text().filter(|text| text == "began\n")).unwrap();
        server.restart(Duration::from_secs(60)).unwrap();
        // The shell may report a `sleep` that was killed.
        let went_on =
            |text: &String| text.starts_with("began\n") && text.ends_with("began\n") && text.contains("saved\n");
        server.wait(&interrupt(false), || text().filter(went_on)).unwrap();
        drop(server);
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn reports_a_server_that_ends_by_itself_with_its_log() {
        let log = std::env::temp_dir().join(format!("xtask-process-test-ends-{}.log", std::process::id()));
        let mut server = Server::start("The test", shell("echo out of luck; exit 3"), &log).unwrap();
        let error = server.wait(&interrupt(false), || None::<()>).unwrap_err();
        assert!(matches!(error, Error::Stopped { .. }));
        assert!(error.to_string().contains("out of luck"));
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn waits_for_limits_and_interrupts_programs() {
        let ended = interrupt(false).status(&mut shell("exit 4"), Duration::from_secs(30)).unwrap();
        assert_eq!(ended.unwrap().code(), Some(4));
        assert!(matches!(interrupt(false).run(&mut shell("false")), Err(Error::Failed { .. })));
        assert!(interrupt(false).status(&mut shell("exec sleep 60"), Duration::from_millis(50)).unwrap().is_none());
        assert!(!interrupt(false).run_for(&mut shell("exec sleep 60"), Duration::from_millis(50)).unwrap());
        assert!(interrupt(false).run_for(&mut shell("true"), Duration::from_secs(30)).unwrap());
        assert!(matches!(
            interrupt(false).run_for(&mut shell("false"), Duration::from_secs(30)),
            Err(Error::Failed { .. })
        ));
        assert!(matches!(interrupt(true).run(&mut shell("exec sleep 60")), Err(Error::Interrupted)));
    }
}
