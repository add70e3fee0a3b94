//! Faults of the local AWS: its functions are killed, and it is restarted.

use aws_sdk_lambda::Client;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use end_to_end::{Stack, until};
use fastrand::Rng;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::{env, fs};
use tokio::sync::Mutex;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Function {
    Intake,
    Processor,
    Feedback,
    Repair,
    Operations,
}

impl Function {
    const ALL: [Self; 5] = [Self::Intake, Self::Processor, Self::Feedback, Self::Repair, Self::Operations];

    fn output(self) -> &'static str {
        match self {
            Self::Intake => "IntakeFunctionName",
            Self::Processor => "ProcessorFunctionName",
            Self::Feedback => "FeedbackFunctionName",
            Self::Repair => "RepairFunctionName",
            Self::Operations => "OperationsFunctionName",
        }
    }
}

pub(super) struct Aws {
    rng: Rng,
    lambda: Client,
    /// The folder of each function's unpacked program in the local AWS, named by the archive's
    /// hash.
    folders: BTreeMap<Function, String>,
    killed: BTreeMap<Function, usize>,
    /// Asks `cargo xtask faults` for a restart.
    restart: PathBuf,
    unpacked: String,
    /// Users of the operations API hold it, so that none works during a restart.
    office: Arc<Mutex<()>>,
}

impl Aws {
    pub(super) async fn new(stack: &Stack, rng: Rng) -> Self {
        let lambda = Client::new(&aws_config::load_from_env().await);
        let mut folders = BTreeMap::new();
        for function in Function::ALL {
            let name = stack.output(function.output());
            let code = lambda.get_function().function_name(name).send().await.expect("the function is there");
            let hash = code.configuration.and_then(|configuration| configuration.code_sha256).expect("a hash");
            let hash = STANDARD.decode(hash).expect("base64");
            folders.insert(function, hash.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        let stack_file = PathBuf::from(env::var("WEBHOOKS_STACK").expect("WEBHOOKS_STACK names stack.json"));
        let folder = stack_file.parent().expect("it is in a folder");
        // Only this stack's processes, since others may run beside it.
        let unpacked = folder.join("tmp").display().to_string();
        let restart = folder.join("restart");
        Self { rng, lambda, folders, killed: BTreeMap::new(), restart, unpacked, office: Arc::default() }
    }

    pub(super) fn office(&self) -> Arc<Mutex<()>> {
        self.office.clone()
    }

    /// Kills a quarter of the processes, but at least one: most of intake's are idle.
    pub(super) fn kill_some_of(&mut self, function: Function) {
        let mut running = self.running(function);
        self.rng.shuffle(&mut running);
        running.truncate(running.len().div_ceil(4));
        self.kill(function, &running);
    }

    fn kill(&mut self, function: Function, running: &[Pid]) {
        // Processes that have ended by themselves do not count.
        let killed = running.iter().filter(|pid| kill_process(**pid, Signal::KILL).is_ok()).count();
        *self.killed.entry(function).or_default() += killed;
    }

    /// Restarts the local AWS. MiniStack stores its state service by service, and only on shutdown.
    /// The parts fit together only if nothing is written meanwhile. So the workers are killed and
    /// get no work until it is back, and operators wait. Visma Net goes on delivering.
    pub(super) async fn restart(&mut self) {
        let _closed = self.office().lock_owned().await;
        self.set_mappings(false).await;
        for function in [Function::Processor, Function::Feedback, Function::Repair, Function::Operations] {
            let running = self.running(function);
            self.kill(function, &running);
        }
        fs::write(&self.restart, "").expect("the stack's folder can be written");
        until("cargo xtask faults to restart the local AWS", async || (!self.restart.exists()).then_some(())).await;
        self.set_mappings(true).await;
    }

    async fn set_mappings(&self, enabled: bool) {
        let mappings = self.lambda.list_event_source_mappings().send().await.expect("the mappings are listed");
        for mapping in mappings.event_source_mappings.unwrap_or_default() {
            let set = self.lambda.update_event_source_mapping().uuid(mapping.uuid.expect("an id")).enabled(enabled);
            set.send().await.expect("the mapping is set");
        }
    }

    /// The processes of a function, oldest first.
    fn running(&self, function: Function) -> Vec<Pid> {
        let listed = Command::new("ps")
            .args(["-axww", "-o", "pid=", "-o", "command="])
            .output()
            .expect("ps lists the processes");
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let own =
            listed.lines().filter(|line| line.contains(&self.unpacked) && line.contains(&self.folders[&function]));
        own.filter_map(|line| Pid::from_raw(line.split_whitespace().next()?.parse().ok()?)).collect()
    }

    pub(super) fn killed(&self) -> String {
        let killed: Vec<_> = self.killed.iter().map(|(function, count)| format!("{function:?} {count}")).collect();
        killed.join(", ")
    }
}
