//! The outputs of the deployed stack.

use crate::error::{Exit, Failure};
use aws_config::SdkConfig;
use std::collections::BTreeMap;
use tokio::sync::OnceCell;

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
