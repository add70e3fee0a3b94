//! The template's roles and the names of its resources, as CloudFormation would create them.

use crate::policy::Statement;
use repo_checks::{Template, elements, entries, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Everything optional is on. That only adds statements.
const OPTIONS: [(&str, &str); 3] = [
    ("OperationsAuthorizer", "jwt"),
    ("KmsKeyArn", "arn:aws:kms:eu-north-1:000000000000:key/1"),
    ("EventBusArn", "arn:aws:events:eu-north-1:000000000000:event-bus/1"),
];
/// Stands for no particular resource.
const ANY: &str = "*";
/// The region and account of the template, as on the local AWS.
const PLACE: &str = "eu-north-1:000000000000";
const PARTITION: &str = "aws";

/// An account with the template's resources.
#[derive(Debug)]
pub struct Account {
    template: Template,
    stack: String,
    names: BTreeMap<String, String>,
}

impl Account {
    pub fn new(stack: &str) -> Self {
        let template = OPTIONS
            .into_iter()
            .fold(Template::read("template.yaml"), |template, (name, value)| template.with(name, value.into()));
        Self { template, stack: stack.to_owned(), names: BTreeMap::new() }
    }

    /// Sets the generated name of a resource for which the template has none.
    #[must_use]
    pub fn with_name(mut self, resource: &str, name: &str) -> Self {
        self.names.insert(resource.to_owned(), name.to_owned());
        self
    }

    /// Statements by the role's logical name: its own, and those of attached policies.
    ///
    /// # Panics
    /// A role has an unknown property or an unknown value.
    pub fn roles(&self) -> BTreeMap<String, Vec<Statement>> {
        let mut roles = BTreeMap::new();
        for (name, role) in self.template.resources("AWS::IAM::Role") {
            for (property, _) in entries(&role) {
                assert!(["AssumeRolePolicyDocument", "Policies"].contains(&property.as_str()), "{name} has {property}");
            }
            let own = elements(&role["Policies"]).into_iter().flat_map(|policy| self.statements(policy)).collect();
            roles.insert(name.clone(), own);
        }
        for (name, policy) in self.template.resources("AWS::IAM::Policy") {
            for role in elements(&policy["Roles"]).into_iter().filter_map(|role| role["Ref"].as_str()) {
                let statements: &mut Vec<_> = roles.get_mut(role).unwrap_or_else(|| panic!("{name}: no role {role}"));
                statements.extend(self.statements(&policy));
            }
        }
        roles
    }

    /// Statements of the queues' own policies, by the queue's ARN.
    pub fn queues(&self) -> BTreeMap<String, Vec<Statement>> {
        let mut queues: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (_, policy) in self.template.resources("AWS::SQS::QueuePolicy") {
            for queue in elements(&policy["Queues"]).into_iter().filter_map(|queue| queue["Ref"].as_str()) {
                queues.entry(self.arn(queue)).or_default().extend(self.statements(&policy));
            }
        }
        queues
    }

    fn statements(&self, policy: &Value) -> Vec<Statement> {
        let document = self.resolved(&policy["PolicyDocument"]);
        elements(&document["Statement"]).into_iter().map(Statement::read).collect()
    }

    /// The resource of a label, as a request names it. A label is `NotificationsQueue`,
    /// `Table/feed` for an index, a parameter, or `*`.
    ///
    /// # Panics
    /// There is no such resource.
    pub fn resource(&self, label: &str) -> String {
        let arn = self.pattern(label);
        // A policy names a log group with all streams; a request names one stream.
        arn.strip_suffix(":*").map_or_else(|| arn.clone(), |group| format!("{group}:log-stream:1"))
    }

    /// The label of a resource, from its name in a request or a policy.
    pub fn label(&self, resource: &str) -> String {
        let labels = self.labels();
        let found = labels.iter().find(|label| self.pattern(label) == resource || self.resource(label) == resource);
        found.cloned().unwrap_or_else(|| resource.to_owned())
    }

    fn labels(&self) -> Vec<String> {
        let resources = entries(self.template.raw("/Resources")).map(|(name, _)| name);
        let mut labels: Vec<_> = resources.filter(|name| self.service(name).is_some()).cloned().collect();
        for (table, properties) in self.template.resources("AWS::DynamoDB::Table") {
            let indexes = elements(&properties["GlobalSecondaryIndexes"]).into_iter();
            labels.extend(indexes.map(|index| format!("{table}/{}", text(&index["IndexName"]))));
        }
        labels.extend(["KmsKeyArn", "EventBusArn", ANY].map(str::to_owned));
        labels
    }

    fn pattern(&self, label: &str) -> String {
        if label == ANY {
            return label.to_owned();
        }
        let parameter = self.template.value(&json!({ "Ref": label }));
        match (parameter.as_str(), label.split_once('/')) {
            (Some(value), _) => value.to_owned(),
            (None, Some((table, index))) => format!("{}/index/{index}", self.arn(table)),
            (None, None) => self.arn(label),
        }
    }

    /// Fills in what AWS would. Parameters and conditions are already applied.
    fn resolved(&self, value: &Value) -> Value {
        let operand = |value: &Value| value.as_str().unwrap_or_else(|| panic!("not understood: {value}")).to_owned();
        match value {
            Value::Object(map) => match map.iter().next() {
                Some((name, path)) if name == "Fn::GetAtt" => json!(self.attribute(&operand(path))),
                Some((name, text)) if name == "Fn::Sub" => json!(self.substituted(&operand(text))),
                Some((name, other)) if name == "Ref" => json!(self.reference(&operand(other))),
                _ => map.iter().map(|(name, value)| (name.clone(), self.resolved(value))).collect(),
            },
            Value::Array(values) => values.iter().map(|value| self.resolved(value)).collect(),
            other => other.clone(),
        }
    }

    fn substituted(&self, text: &str) -> String {
        let mut parts = text.split("${");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap_or_else(|| panic!("not closed: {text}"));
            whole += &if name.contains('.') { self.attribute(name) } else { self.reference(name) };
            whole += rest;
        }
        whole
    }

    fn reference(&self, name: &str) -> String {
        let (region, account) = region_and_account();
        match name {
            "AWS::Partition" => PARTITION.to_owned(),
            "AWS::Region" => region.to_owned(),
            "AWS::AccountId" => account.to_owned(),
            "AWS::StackName" => self.stack.clone(),
            _ => panic!("{name} is not understood here"),
        }
    }

    fn attribute(&self, path: &str) -> String {
        match path.split_once('.') {
            Some((name, "Arn")) => self.arn(name),
            Some((name, "Id")) if self.kind(name) == "AWS::SecretsManager::Secret" => self.arn(name),
            _ => panic!("{path} is not understood here"),
        }
    }

    fn arn(&self, name: &str) -> String {
        let (service, before, after) = self.service(name).unwrap_or_else(|| panic!("{name} is not a known resource"));
        arn(service, &format!("{before}{}{after}", self.name(name)))
    }

    /// The service, and the parts of the resource's ARN around its name.
    fn service(&self, name: &str) -> Option<(&'static str, &'static str, &'static str)> {
        Some(match self.kind(name) {
            "AWS::SQS::Queue" => ("sqs", "", ""),
            "AWS::DynamoDB::Table" => ("dynamodb", "table/", ""),
            "AWS::SecretsManager::Secret" => ("secretsmanager", "secret:", ""),
            "AWS::Logs::LogGroup" => ("logs", "log-group:", ":*"),
            "AWS::Serverless::Function" => ("lambda", "function:", ""),
            _ => return None,
        })
    }

    fn kind(&self, name: &str) -> &str {
        self.template.raw(&format!("/Resources/{name}/Type")).as_str().unwrap_or_default()
    }

    fn name(&self, name: &str) -> String {
        let properties = self.template.raw(&format!("/Resources/{name}/Properties"));
        let written = ["QueueName", "LogGroupName", "FunctionName"].into_iter().find_map(|known| properties.get(known));
        match (self.names.get(name), written) {
            (Some(known), _) => known.clone(),
            (None, Some(written)) => text(&self.resolved(written)),
            (None, None) => format!("{}-{name}-1", self.stack),
        }
    }
}

pub(crate) fn arn(service: &str, resource: &str) -> String {
    format!("arn:{PARTITION}:{service}:{PLACE}:{resource}")
}

/// A service's name in `kms:ViaService`.
pub(crate) fn host(service: &str) -> String {
    format!("{service}.{}.amazonaws.com", region_and_account().0)
}

fn region_and_account() -> (&'static str, &'static str) {
    PLACE.split_once(':').expect("it has both")
}
