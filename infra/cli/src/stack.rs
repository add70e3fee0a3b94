//! The stack: its outputs, and where the one of `cargo xtask up` is found.

use crate::error::{Exit, Failure};
use aws_config::SdkConfig;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::OnceCell;

/// The description that `cargo xtask up` writes, below the repository's root.
const WRITTEN: &str = ".local/up/stack.json";
const TIMEOUT: Duration = Duration::from_secs(30);

/// The template's outputs. CloudFormation is asked when the first missing one is needed.
#[derive(Debug)]
pub struct Stack {
    pub aws: SdkConfig,
    name: Option<String>,
    given: BTreeMap<String, String>,
    read: OnceCell<BTreeMap<String, String>>,
}

impl Stack {
    pub fn new(aws: SdkConfig, name: Option<String>, given: BTreeMap<String, String>) -> Self {
        Self { aws, name, given, read: OnceCell::new() }
    }

    /// # Errors
    /// No stack is named.
    pub fn name(&self) -> Result<&str, Failure> {
        self.name.as_deref().ok_or_else(|| {
            let advice = "Give --stack NAME or set VISMA_WEBHOOKS_STACK; the name is in infra/samconfig.toml.";
            Failure::usage("no stack is named", advice)
        })
    }

    /// The values that replace the stack's own outputs.
    pub fn given(&self) -> &BTreeMap<String, String> {
        &self.given
    }

    /// # Errors
    /// There is no such stack, or none of its outputs has this name.
    pub async fn output(&self, output: &str) -> Result<String, Failure> {
        if let Some(value) = self.given.get(output) {
            return Ok(value.clone());
        }
        let outputs = self.outputs().await?;
        outputs.get(output).cloned().ok_or_else(|| {
            let what = format!("the stack has no output {output}");
            Failure::new(Exit::NotFound, what, format!("Deploy this version, or give --set {output}=VALUE."))
        })
    }

    /// All outputs of the stack, without the given ones.
    ///
    /// # Errors
    /// No stack is named, or it cannot be described.
    pub async fn outputs(&self) -> Result<&BTreeMap<String, String>, Failure> {
        self.read.get_or_try_init(|| self.describe()).await
    }

    async fn describe(&self) -> Result<BTreeMap<String, String>, Failure> {
        let name = self.name()?;
        let client = aws_sdk_cloudformation::Client::new(&self.aws);
        let answer = client.describe_stacks().stack_name(name).send().await;
        let stacks = answer.map_err(|error| Failure::aws(&format!("describe the stack {name}"), error))?.stacks;
        let outputs = stacks.unwrap_or_default().into_iter().flat_map(|stack| stack.outputs.unwrap_or_default());
        Ok(outputs.filter_map(|output| Some((output.output_key?, output.output_value?))).collect())
    }
}

/// A stack on this machine, described by its `stack.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Local {
    pub endpoint_url: String,
    pub region: String,
    pub api_url: String,
    pub stack_name: String,
    outputs: BTreeMap<String, Value>,
}

impl Local {
    /// The stack that `WEBHOOKS_STACK` names, or the nearest one from the current folder upwards.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn here() -> Result<Self, Failure> {
        let folder = std::env::current_dir().unwrap_or_default();
        Self::find(std::env::var_os("WEBHOOKS_STACK").map(PathBuf::from), &folder)
    }

    /// Reads the description at `named`, or the nearest one from `folder` upwards.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn find(named: Option<PathBuf>, folder: &Path) -> Result<Self, Failure> {
        let nearest = || folder.ancestors().map(|folder| folder.join(WRITTEN)).find(|file| file.exists());
        let file = named.or_else(nearest).ok_or_else(|| not_running("there is no local stack here"))?;
        let read = std::fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str(&text).ok());
        read.ok_or_else(|| not_running(&format!("{} does not describe a local stack", file.display())))
    }

    /// The outputs of the template. They replace its own address of the API, which does not work on
    /// this machine.
    #[must_use]
    pub fn outputs(&self) -> BTreeMap<String, String> {
        let texts = self.outputs.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        texts.chain([("ApiUrl".to_owned(), self.api_url.clone())]).collect()
    }

    /// A token of the local user pool with roles that its client may have: `Repair` also has `read`
    /// and `raw`, `Erase` also `read`.
    ///
    /// # Errors
    /// The stack no longer runs, or has no such client.
    pub async fn token(&self, client: &str, roles: &[&str]) -> Result<String, Failure> {
        let name = format!("Operations{client}Client");
        let id_and_secret = self.outputs.get(&name).and_then(Value::as_str);
        let id_and_secret = id_and_secret.ok_or_else(|| not_running(&format!("the local stack has no {name}")))?;
        let scopes: Vec<String> = roles.iter().map(|role| format!("visma-webhooks%2F{role}")).collect();
        let form = format!("grant_type=client_credentials&scope={}", scopes.join("+"));
        let built = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
        let http = built.map_err(|error| Failure::http("set up HTTP", &error))?;
        let request = http.post(format!("{}/oauth2/token", self.endpoint_url)).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("authorization", format!("Basic {}", STANDARD.encode(id_and_secret)));
        let answer = request.send().await.map_err(|_| not_running("the local stack does not answer"))?;
        let answer: Value = answer.json().await.unwrap_or_default();
        let token = answer["access_token"].as_str();
        token.map(str::to_owned).ok_or_else(|| not_running("the local stack gives no token"))
    }
}

fn not_running(what: &str) -> Failure {
    let advice = "Start one with `cargo xtask up`, and run this below the same folder; or set WEBHOOKS_STACK.";
    Failure::new(Exit::NotFound, what, advice)
}
