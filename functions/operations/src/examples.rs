//! Adds an example of an error to each operation of the OpenAPI document.

use crate::problem::{MEDIA_TYPE, Problem};
use utoipa::Modify;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

/// A parameter that no operation has.
const WRONG: &str = "colour";

/// Adds one example per operation. A test compares it with the real answer.
pub(crate) struct Examples;

impl Modify for Examples {
    fn modify(&self, document: &mut OpenApi) {
        for item in document.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
            operations.into_iter().flatten().for_each(add);
        }
    }
}

fn add(operation: &mut Operation) {
    let example = serde_json::to_value(wrong(operation)).expect("texts and numbers always serialise");
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        if let Some(content) = response.content.get_mut(MEDIA_TYPE) {
            content.example = Some(example.clone());
        }
    }
}

fn wrong(operation: &Operation) -> Problem {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let is_queried = |place: &ParameterIn| matches!(place, ParameterIn::Query);
    let (queried, others): (Vec<_>, Vec<_>) = parameters.iter().partition(|one| is_queried(&one.parameter_in));
    let known: Vec<&str> = queried.iter().map(|one| one.name.as_str()).collect();
    match others.first().map(|one| one.name.as_str()) {
        _ if operation.request_body.is_some() => Problem::unknown_field(WRONG),
        _ if !known.is_empty() => Problem::unknown_parameter(WRONG, &known),
        Some("ref") => Problem::no_reference(),
        Some("id") => Problem::no_job_id(),
        _ => Problem::forbidden("visma-webhooks/read"),
    }
}
