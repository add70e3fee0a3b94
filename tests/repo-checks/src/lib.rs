#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, reason = "what tests share fails by panicking, too")]

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// A deployed template: [`Template::value`] applies the intrinsic functions that need no AWS.
#[derive(Debug)]
pub struct Template {
    document: Value,
    parameters: Map<String, Value>,
}

impl Template {
    /// Reads it with the defaults of all parameters. `path` is below `infra`.
    pub fn read(path: &str) -> Self {
        let text = read(path);
        let documents = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let document = json(&documents[0]);
        let parameters = entries(&document["Parameters"])
            .filter_map(|(name, parameter)| Some((name.clone(), parameter.get("Default")?.clone())))
            .collect();
        Self { document, parameters }
    }

    #[must_use]
    pub fn with(mut self, parameter: &str, value: Value) -> Self {
        self.parameters.insert(parameter.to_owned(), value);
        self
    }

    /// A section, resource or property as written.
    pub fn raw(&self, pointer: &str) -> &Value {
        self.document.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// The logical names and properties of all resources of a type, without those that a condition
    /// excludes.
    pub fn resources(&self, kind: &str) -> Vec<(&String, Value)> {
        entries(&self.document["Resources"])
            .filter(|(_, resource)| resource["Type"] == kind && self.exists(resource))
            .map(|(name, resource)| (name, self.value(&resource["Properties"])))
            .collect()
    }

    fn exists(&self, resource: &Value) -> bool {
        resource.get("Condition").is_none_or(|name| self.holds(&json!({ "Condition": name })))
    }

    /// Applies parameters, mappings and conditions. Values that only AWS knows stay as written;
    /// `AWS::NoValue` becomes null.
    pub fn value(&self, value: &Value) -> Value {
        match (value, function(value)) {
            (_, Some(("Ref", name))) => match name.as_str() {
                Some("AWS::NoValue") => Value::Null,
                Some(name) => self.parameters.get(name).cloned().unwrap_or_else(|| value.clone()),
                None => value.clone(),
            },
            (_, Some(("Fn::FindInMap", path))) => path
                .as_array()
                .into_iter()
                .flatten()
                .fold(self.document["Mappings"].clone(), |found, key| found[text(&self.value(key))].clone()),
            (_, Some(("Fn::If", branches))) => {
                let chosen = if self.holds(&json!({ "Condition": branches[0] })) { 1 } else { 2 };
                self.value(&branches[chosen])
            }
            (Value::Object(map), _) => map.iter().map(|(name, value)| (name.clone(), self.value(value))).collect(),
            (Value::Array(values), _) => values.iter().map(|value| self.value(value)).collect(),
            _ => value.clone(),
        }
    }

    fn holds(&self, condition: &Value) -> bool {
        let all = |operands: &Value| operands.as_array().cloned().unwrap_or_default();
        match function(condition) {
            Some(("Condition", name)) => self.holds(&self.document["Conditions"][text(name)]),
            Some(("Fn::Equals", operands)) => text(&self.value(&operands[0])) == text(&self.value(&operands[1])),
            Some(("Fn::Not", operands)) => !self.holds(&operands[0]),
            Some(("Fn::And", operands)) => all(operands).iter().all(|operand| self.holds(operand)),
            Some(("Fn::Or", operands)) => all(operands).iter().any(|operand| self.holds(operand)),
            other => panic!("not a condition: {other:?}"),
        }
    }
}

/// The text of a file below `infra`.
pub fn read(path: &str) -> String {
    let path = infra().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn infra() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra")
}

/// An object's entries; empty for other values.
pub fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// A list's elements, or the single value in place of a list.
pub fn elements(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// A scalar as text, since CloudFormation treats `"10"` and `10` alike.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub fn number(value: &Value) -> f64 {
    text(value).parse().unwrap_or_else(|_| panic!("not a number: {value}"))
}

/// The name and the operand of an intrinsic function.
fn function(value: &Value) -> Option<(&str, &Value)> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let (name, operand) = map.iter().next()?;
    (name == "Ref" || name == "Condition" || name.starts_with("Fn::")).then_some((name, operand))
}

fn json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(values) => values.iter().map(json).collect(),
        Yaml::Mapping(map) => map.iter().map(|(key, value)| (text(&json(key)), json(value))).collect(),
        Yaml::Tagged(tag, value) => match tag.suffix.as_str() {
            name @ ("Ref" | "Condition") => json!({ name: json(value) }),
            name => json!({ format!("Fn::{name}"): json(value) }),
        },
        _ => Value::Null,
    }
}
