//! The functions' environment, as `infra/template.yaml` sets it.

use aws_fake::{Endpoint, SECRET_ID, TABLE};
use repo_checks::{Template, entries, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) type Environment = BTreeMap<String, String>;

/// The environment of each function, by the name of its program.
#[derive(Debug)]
pub(crate) struct Deployment(BTreeMap<String, Environment>);

impl Deployment {
    /// The default deployment of the template, with `endpoint` as AWS.
    ///
    /// # Panics
    /// The template refers to something that the endpoint lacks.
    pub(crate) fn on(endpoint: &Endpoint) -> Self {
        let template = Template::read("template.yaml")
            .with("OperationsAuthorizer", json!("jwt"))
            .with("OperationsIssuer", json!("https://issuer.example"));
        let functions = template.resources("AWS::Serverless::Function");
        let of = |(_, function): &(&String, Value)| (program(function), environment(function, endpoint));
        Self(functions.iter().map(of).collect())
    }

    /// The environment of this program. If the template has no such function, only Lambda's own
    /// variables.
    pub(crate) fn environment(&self, program: &str, endpoint: &Endpoint) -> Environment {
        let function = self.0.get(program).cloned();
        function.unwrap_or_else(|| environment(&json!({"MemorySize": 256}), endpoint))
    }

    #[cfg(test)]
    fn programs(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// The last folder of its CodeUri.
fn program(function: &Value) -> String {
    let code = text(&function["CodeUri"]);
    let name = Path::new(&code).file_name().unwrap_or_else(|| panic!("no program: {code}"));
    name.to_string_lossy().into_owned()
}

fn environment(function: &Value, endpoint: &Endpoint) -> Environment {
    let name = function["CodeUri"].as_str().map_or("function".to_owned(), |_| program(function));
    let logging = &function["LoggingConfig"];
    let or = |value: &Value, usual: &str| value.as_str().unwrap_or(usual).to_owned();
    let lambda = [
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_SESSION_TOKEN", "test".to_owned()),
        ("AWS_REGION", "eu-north-1".to_owned()),
        ("AWS_DEFAULT_REGION", "eu-north-1".to_owned()),
        ("AWS_ENDPOINT_URL", endpoint.url().to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", text(&function["MemorySize"])),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT", or(&logging["LogFormat"], "JSON")),
        ("AWS_LAMBDA_LOG_LEVEL", or(&logging["ApplicationLogLevel"], "INFO")),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/24/[$LATEST]0123456789abcdef0123456789abcdef".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("PATH", std::env::var_os("PATH").unwrap_or_default().to_string_lossy().into_owned()),
    ];
    let lambda = lambda.into_iter().map(|(name, value)| (name.to_owned(), value));
    let own = entries(&function["Environment"]["Variables"]);
    lambda.chain(own.map(|(name, value)| (name.clone(), resolved(value, endpoint)))).collect()
}

/// The value that AWS would insert.
fn resolved(value: &Value, endpoint: &Endpoint) -> String {
    if let Some(attribute) = value["Fn::GetAtt"].as_str() {
        assert_eq!(attribute, "Settings.Id", "an attribute that the endpoint does not know");
        return SECRET_ID.to_owned();
    }
    if let Some(parts) = value["Fn::Join"][1].as_array() {
        let parts: Vec<String> = parts.iter().map(|part| resolved(part, endpoint)).collect();
        return parts.join(&text(&value["Fn::Join"][0]));
    }
    match value["Ref"].as_str() {
        Some("Table") => TABLE.to_owned(),
        Some("AWS::Partition") => "aws".to_owned(),
        Some(logs) if logs.ends_with("Logs") => logs.to_owned(),
        Some(resource) => endpoint.queue_url(&queue(resource)),
        None => text(value),
    }
}

/// The endpoint's name for a queue of the template.
fn queue(resource: &str) -> String {
    let name = resource.strip_suffix("Queue").unwrap_or_else(|| panic!("not a queue: {resource}"));
    match name.strip_suffix("DeadLetter") {
        Some(name) => format!("{}-dead", name.to_lowercase()),
        None => name.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_fake::QUEUES;

    #[test]
    fn the_environment_of_every_function_refers_to_the_endpoint() {
        let endpoint = Endpoint::start("{}").unwrap();
        let deployment = Deployment::on(&endpoint);
        let functions = ["feedback", "intake", "operations", "processor", "reconciler", "repair"];
        assert_eq!(deployment.programs(), functions);
        let intake = deployment.environment("intake", &endpoint);
        let queue = format!("{}/000000000000/notifications", endpoint.url());
        assert_eq!(intake["NOTIFICATIONS_QUEUE_URL"], queue);
        assert_eq!(intake["SETTINGS_SECRET_ID"], SECRET_ID);
        assert_eq!(intake["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "256");
        let processor = deployment.environment("processor", &endpoint);
        assert_eq!((processor["TABLE_NAME"].as_str(), processor["MAX_RECEIVE_COUNT"].as_str()), (TABLE, "12"));
        let known: Vec<_> = QUEUES.map(|queue| endpoint.queue_url(queue)).into();
        for function in functions {
            for (name, value) in deployment.environment(function, &endpoint) {
                assert!(!name.ends_with("_QUEUE_URL") || known.contains(&value), "{function}: {name}={value}");
            }
        }
    }
}
