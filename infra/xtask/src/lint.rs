//! `cargo xtask lint`: checks formatting, lints, dependencies, the template and its policies, and
//! Terraform's example.

use crate::error::{Error, Result};
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::release;
use crate::tools::{self, DENY, SBOM};
use crate::workspace::{Workspace, create, read, write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// The main template, its nested templates, and the role that deploys them.
const TEMPLATES: [&str; 9] = [
    "infra/template.yaml",
    "infra/scaling.yaml",
    "infra/alarms/functions.yaml",
    "infra/alarms/queues.yaml",
    "infra/alarms/table.yaml",
    "infra/alarms/notifications.yaml",
    "infra/alarms/objectives.yaml",
    "infra/dashboards/cloudwatch.yaml",
    "infra/deployer.yaml",
];
/// A separate workspace with its own lock file, which the other checks ignore.
const FUZZERS: &str = "tests/fuzz/Cargo.toml";
/// Cloning the advisory database takes a few seconds, if it can be reached.
const FETCH_LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
    let mut steps = Steps::new(9);
    steps.next("Formatting");
    interrupt.run(workspace.cargo().args(["fmt", "--all", "--check"]))?;
    steps.next("Install the tools of the checks (once)");
    let [python, policies] = installed(workspace, interrupt)?;
    steps.next("Template");
    interrupt.run(workspace.command(python.join("cfn-lint")).args(TEMPLATES))?;
    second_opinion(workspace, interrupt, &python)?;
    steps.next("Policies");
    let mut checkov = workspace.command(policies.join("checkov"));
    interrupt.run(checkov.args(["--config-file", "infra/checkov.yaml", "--file"]).args(TEMPLATES))?;
    steps.next("Terraform, as the template");
    // In the same environment, since checkov also reads Terraform.
    interrupt.run(workspace.command(policies.join("python")).arg("infra/local/terraform_check.py"))?;
    steps.next("Clippy");
    let mut clippy = workspace.cargo_workspace(&["clippy", "--all-targets", "--all-features"]);
    interrupt.run(clippy.args(["--", "-D", "warnings"]))?;
    steps.next("Dependencies: locked, bans, licences, sources");
    interrupt.run(workspace.cargo().args([
        "update",
        "--workspace",
        "--locked",
        "--quiet",
        "--manifest-path",
        FUZZERS,
    ]))?;
    interrupt.run(workspace.cargo().args(["deny", "check", "bans", "licenses", "sources"]))?;
    steps.next("Dependencies: advisories");
    advisories(workspace, interrupt)?;
    steps.next("Bills of materials");
    release::bills_of_materials(workspace, interrupt)?;
    steps.done("Nothing to complain about");
    Ok(())
}

/// Builds the tools from crates, and meanwhile installs those in Python, whose installer uses one
/// core. Returns the environments of the template's checks and of the policies'.
fn installed(workspace: &Workspace, interrupt: &Interrupt) -> Result<[PathBuf; 2]> {
    let environment = |name, requirements| tools::python_environment(workspace, interrupt, name, requirements);
    std::thread::scope(|scope| {
        let tools = scope.spawn(|| [DENY, SBOM].iter().try_for_each(|tool| tool.install(workspace, interrupt)));
        let template = environment("venv-lint", "infra/local/requirements-lint.txt");
        let policies = environment("venv-policies", "infra/local/requirements-policies.txt");
        tools.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok([template?, policies?])
    })
}

/// Checks the templates with the real SAM CLI, SAM's own translator and AWS's models, and the
/// dashboard with Grafana's schema.
fn second_opinion(workspace: &Workspace, interrupt: &Interrupt, python: &Path) -> Result<()> {
    let folder = workspace.local.join("sam");
    create(&folder)?;
    let sam = |words: &[&str]| {
        let mut sam = workspace.command(python.join("sam"));
        sam.args(words).args(["--template-file", "infra/template.yaml"]);
        sam.env("__SAM_CLI_APP_DIR", &folder).env("SAM_CLI_TELEMETRY", "0");
        sam
    };
    interrupt.run(&mut sam(&["validate", "--lint"]))?;
    let built = folder.join("build");
    // Its standard output is long advice. Errors go to standard error.
    interrupt.run(sam(&["build"]).arg("--build-dir").arg(&built).stdout(Stdio::null()))?;
    let script = |words: &[&str]| {
        let mut script = workspace.command(python.join("python"));
        script.args(words);
        script
    };
    interrupt.run(script(&["infra/local/second_opinion.py", "--built"]).arg(built.join("template.yaml")))?;
    interrupt.run(&mut script(&["infra/local/deployer.py", "--check"]))?;
    interrupt.run(&mut script(&["infra/dashboards/grafana_check.py"]))?;
    interrupt.run(&mut script(&["infra/dashboards/show_test.py"]))
}

/// Uses the clone of RustSec's database at `ADVISORY_DB`, or else the database itself.
fn advisories(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
    if let Some(database) = std::env::var_os("ADVISORY_DB").map(PathBuf::from) {
        let configuration = with_database(workspace, &database)?;
        let mut fetch = workspace.cargo();
        interrupt.run(fetch.args(["deny", "fetch", "--config"]).arg(&configuration).arg("db"))?;
        let mut check = workspace.cargo();
        check.args(["deny", "check", "--disable-fetch", "--config"]).arg(&configuration);
        return interrupt.run(check.arg("advisories"));
    }
    let mut fetch = workspace.cargo();
    fetch.args(["deny", "fetch", "db"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if interrupt.status(&mut fetch, FETCH_LIMIT)?.is_some_and(|status| status.success()) {
        return interrupt.run(workspace.cargo().args(["deny", "check", "--disable-fetch", "advisories"]));
    }
    println!(
        "      SKIPPED: RustSec's advisory database cannot be reached from here, and ADVISORY_DB names no clone of it"
    );
    Ok(())
}

/// The configuration with another path for the database. cargo-deny takes the path only from there.
fn with_database(workspace: &Workspace, database: &Path) -> Result<PathBuf> {
    let database = database.canonicalize().map_err(Error::io(format!("find {}", database.display())))?;
    let source = workspace.root.join("deny.toml");
    let text = read(&source)?;
    let (url, copy) = (format!("file://{}", database.display()), workspace.root.join("target/advisories"));
    let place = format!("[advisories]\ndb-urls = [{url:?}]\ndb-path = {:?}\n", copy.display().to_string());
    let file = workspace.root.join("target/deny.toml");
    write(&file, text.replace("[advisories]\n", &place))?;
    Ok(file)
}
