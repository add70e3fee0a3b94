//! The local stack: MiniStack as AWS, the stand-in as Visma Net, and the deployed template between
//! them.

use crate::error::{Error, Log, Result};
use crate::process::{Interrupt, Server};
use crate::workspace::{REGION, Workspace, read_json, write};
use serde::Serialize;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const STACK_NAME: &str = "webhooks";
/// The functions' environment, in the form of `cargo lambda watch --env-file`. In a run's folder.
pub(crate) const ENVIRONMENT: &str = "functions.env";
/// The output of all functions. In a run's folder.
pub(crate) const OUTPUT: &str = "functions.log";
/// Parallel requests that find a warm function. Each cold one starts a process, and all share this
/// machine's cores (infra/local/README.md).
const WARM: usize = 50;
/// The time that the local AWS has to write its state.
const TO_WRITE_DOWN: Duration = Duration::from_secs(30);

/// Runs until dropped.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) description: Description,
    /// The path of the description, which WEBHOOKS_STACK passes on.
    pub(crate) file: PathBuf,
    pub(crate) folder: PathBuf,
    ministack: Server,
    standin: Server,
    _lock: File,
}

/// The content of stack.json.
#[derive(Debug, Serialize)]
pub(crate) struct Description {
    pub(crate) endpoint_url: String,
    pub(crate) region: &'static str,
    pub(crate) api_url: String,
    pub(crate) standin_url: String,
    pub(crate) stack_name: &'static str,
    pub(crate) outputs: Value,
    /// The log of the local AWS.
    pub(crate) ministack_log: PathBuf,
    /// The calls that the roles made.
    pub(crate) calls: Option<PathBuf>,
}

/// MiniStack and the stand-in before the deployment.
#[derive(Debug)]
pub(crate) struct Servers {
    folder: PathBuf,
    lock: File,
    ministack: Server,
    endpoint_url: String,
    calls: Option<PathBuf>,
    standin: Server,
    standin_url: String,
}

impl Servers {
    /// `python` is the `bin` folder of the environment that has MiniStack.
    pub(crate) fn start(workspace: &Workspace, interrupt: &Interrupt, run: &str, python: &Path) -> Result<Self> {
        let (folder, lock) = workspace.run_folder(run)?;
        let calls = folder.join("calls.jsonl");
        let recording = [("RECORD_CALLS", calls.as_os_str())];
        let servers = Self::start_in(folder, lock, workspace, interrupt, python, &recording)?;
        Ok(Self { calls: Some(calls), ..servers })
    }

    /// The same with a local AWS that writes its state when it stops, and loads it when it starts
    /// again.
    pub(crate) fn start_lasting(
        workspace: &Workspace,
        interrupt: &Interrupt,
        run: &str,
        python: &Path,
    ) -> Result<Self> {
        let (folder, lock) = workspace.run_folder(run)?;
        let state = folder.join("state");
        let lasting = [("PERSIST_STATE", OsStr::new("1")), ("STATE_DIR", state.as_os_str())];
        Self::start_in(folder, lock, workspace, interrupt, python, &lasting)
    }

    fn start_in(
        folder: PathBuf,
        lock: File,
        workspace: &Workspace,
        interrupt: &Interrupt,
        python: &Path,
        environment: &[(&str, &OsStr)],
    ) -> Result<Self> {
        let port = free_port()?;
        let endpoint_url = format!("http://127.0.0.1:{port}");
        let mut command = ministack(workspace, python, &folder, port);
        command.envs(environment.iter().copied());
        let mut ministack = Server::start("MiniStack", command, &folder.join("ministack.log"))?;

        let ready = folder.join("standin.url");
        let mut command = workspace.command(workspace.binaries.join("standin"));
        command.arg("--ready-file").arg(&ready);
        let mut standin = Server::start("The stand-in", command, &folder.join("standin.log"))?;

        let standin_url = standin.wait(interrupt, || fs::read_to_string(&ready).ok())?;
        wait_for(&mut ministack, interrupt, &endpoint_url)?;
        Ok(Self { folder, lock, ministack, endpoint_url, calls: None, standin, standin_url })
    }

    /// Deploys the template, warms intake, points the stand-in to it and writes stack.json.
    /// `parameters` override those of `infra/local/parameters.json`, as NAME=VALUE.
    pub(crate) fn deploy(
        self,
        workspace: &Workspace,
        interrupt: &Interrupt,
        python: &Path,
        parameters: &[&str],
    ) -> Result<Stack> {
        let outputs = self.folder.join("outputs.json");
        let mut command = workspace.command(python.join("python"));
        command.env("AWS_ENDPOINT_URL", &self.endpoint_url).arg(workspace.root.join("infra/local/deploy.py"));
        command.args(["--stack-name", STACK_NAME, "--standin-url", &self.standin_url]);
        command.arg("--template").arg(workspace.root.join("infra/template.yaml"));
        command.arg("--parameters").arg(workspace.root.join("infra/local/parameters.json"));
        command.arg("--set").args(parameters);
        command.arg("--settings").arg(workspace.root.join("infra/local/settings.json"));
        command.arg("--binaries").arg(&workspace.binaries).arg("--outputs").arg(&outputs);
        command.arg("--environment").arg(self.folder.join(ENVIRONMENT));
        interrupt.run(&mut command)?;

        let outputs: Value = read_json(&outputs)?;
        let id = outputs["ApiId"].as_str().unwrap_or_default();
        let description = Description {
            api_url: format!("{}/_aws/execute-api/{id}/$default", self.endpoint_url),
            endpoint_url: self.endpoint_url,
            region: REGION,
            standin_url: self.standin_url,
            stack_name: STACK_NAME,
            outputs,
            ministack_log: self.folder.join("ministack.log"),
            calls: self.calls,
        };
        warm(&description.api_url, &self.ministack.log())?;
        http()
            .put(format!("{}/control/api-url", description.standin_url))
            .content_type("application/json")
            .send(json!({ "apiUrl": description.api_url }).to_string())
            .map_err(|error| Error::io("tell the stand-in where the API is")(error.into_io()))?;
        let file = self.folder.join("stack.json");
        write(&file, format!("{:#}\n", json!(description)))?;
        let Self { folder, lock, ministack, standin, .. } = self;
        Ok(Stack { description, file, folder, ministack, standin, _lock: lock })
    }
}

impl Stack {
    /// Passes the stack's address to a command.
    pub(crate) fn reach<'command>(&self, command: &'command mut Command) -> &'command mut Command {
        command.env("WEBHOOKS_STACK", &self.file).env("AWS_ENDPOINT_URL", &self.description.endpoint_url)
    }

    /// Restarts the local AWS with its state.
    pub(crate) fn restart_aws(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.ministack.restart(TO_WRITE_DOWN)?;
        wait_for(&mut self.ministack, interrupt, &self.description.endpoint_url)
    }

    /// # Errors
    /// One of its programs has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.ministack.check()?;
        self.standin.check()
    }

    pub(crate) fn log(&self) -> Log {
        self.ministack.log()
    }
}

fn ministack(workspace: &Workspace, python: &Path, folder: &Path, port: u16) -> Command {
    let mut command = workspace.command(python.join("python"));
    command.arg(workspace.root.join("infra/local/recording.py"));
    command.env("TMPDIR", folder.join("tmp")).env("RECORD_OUTPUT", folder.join(OUTPUT)).envs([
        ("BIND_HOST", "127.0.0.1"),
        ("MINISTACK_HOST", "127.0.0.1"),
        ("GATEWAY_PORT", &port.to_string()),
        // The functions inherit it.
        ("AWS_ENDPOINT_URL", &format!("http://127.0.0.1:{port}")),
        ("MINISTACK_REGION", REGION),
        // Enforces IAM, so that a function without a permission fails here first, and not on AWS.
        ("AUTH", "true"),
        // Lambda sets it from the template, but MiniStack does not. Tests check everything that a
        // function could ever log.
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
        // Otherwise a warm function is stopped after five idle minutes.
        ("LAMBDA_WARM_TTL_SECONDS", "86400"),
        // Otherwise it listens on port 8883 of every interface.
        ("IOT_MTLS_ENABLED", "0"),
        ("PYTHONUNBUFFERED", "1"),
    ]);
    command
}

fn wait_for(ministack: &mut Server, interrupt: &Interrupt, endpoint_url: &str) -> Result<()> {
    let http = http();
    ministack.wait(interrupt, || http.get(format!("{endpoint_url}/_ministack/ready")).call().ok()).map(drop)
}

/// Sends parallel health requests, one for each process of intake.
fn warm(api_url: &str, log: &Log) -> Result<()> {
    let (http, url) = (http(), format!("{api_url}/health"));
    let answers: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..WARM).map(|_| scope.spawn(|| http.get(&url).call())).collect();
        calls.into_iter().map(|call| call.join().expect("a request does not panic")).collect()
    });
    let failed = answers.into_iter().find_map(|answer| answer.err());
    failed.map_or(Ok(()), |error| Err(Error::NotServing { url, answer: error.to_string(), log: log.clone() }))
}

/// A client without a proxy, with the timeout of a function.
fn http() -> ureq::Agent {
    ureq::Agent::config_builder().proxy(None).timeout_global(Some(Duration::from_secs(30))).build().into()
}

pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::io("find a free port"))?;
    Ok(listener.local_addr().map_err(Error::io("find a free port"))?.port())
}
