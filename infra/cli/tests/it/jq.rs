//! The jq filters of the documents find something in what the commands write.

use crate::fakes::{Asked, Server};
use crate::program::{run, text};
use crate::routes::{document, is_of};
use clap::Parser;
use jaq_core::data::JustLut;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, unwrap_valr};
use jaq_json::{Val, read};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use visma_webhooks::Arguments;

/// The tenant of the documents.
const TENANT: &str = "10000000-0000-4000-8000-000000000001";
const PIPE: &str = "| jq ";
const TERRAFORM: &str = "$(terraform output -json stack ";

/// The requests of the command that runs.
static ASKED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Refuses a request that comes again, since this ends a command that never ends by itself.
fn answers(asked: &Asked) -> (u16, Value) {
    if !ASKED.lock().unwrap().insert(asked.line.clone()) {
        return (403, json!({ "code": "forbidden", "detail": "It was asked before." }));
    }
    let document = document();
    let mut paths = document["paths"].as_object().unwrap().iter();
    let Some((_, methods)) = paths.find(|(path, _)| is_of(&asked.line, &format!("GET {path}"))) else {
        return (404, json!({ "code": "unknown_path" }));
    };
    let schema = &methods["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    (200, promised(&document, "", schema))
}

/// An answer with only those fields that the OpenAPI document always promises.
fn promised(document: &Value, name: &str, schema: &Value) -> Value {
    if let Some(place) = schema["$ref"].as_str() {
        return promised(document, name, document.pointer(place.trim_start_matches('#')).unwrap());
    }
    match schema["type"].as_str() {
        Some("object") => {
            let fields = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            fields.map(|field| (field, promised(document, field, &schema["properties"][field]))).collect()
        }
        Some("array") => json!([promised(document, name, &schema["items"])]),
        Some("integer") => json!(1),
        Some("boolean") => json!(true),
        _ => json!(match name {
            "id" => TENANT,
            "state" => "dead",
            other => other,
        }),
    }
}

/// The lines with jq in the code blocks of all documents.
fn examples(folder: &Path) -> Vec<String> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                found.extend(examples(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let (document, mut is_code) = (fs::read_to_string(&path).unwrap(), false);
            let in_code = document.lines().filter(|line| {
                is_code ^= line.starts_with("```");
                is_code && line.contains(PIPE)
            });
            found.extend(in_code.map(str::to_owned));
        }
    }
    found
}

fn all_examples() -> Vec<String> {
    examples(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
}

/// The command before jq, and jq's filter.
fn parts(example: &str) -> (&str, &str) {
    let (command, mut arguments) = example.split_once(PIPE).unwrap();
    while let Some((_, rest)) = arguments.split_once(' ').filter(|(option, _)| option.starts_with('-')) {
        arguments = rest;
    }
    let filter = match arguments.strip_prefix('\'') {
        Some(quoted) => quoted.split('\'').next(),
        None => arguments.split_whitespace().next(),
    };
    (command, filter.unwrap())
}

/// What jq finds in these documents.
fn filtered(code: &str, documents: &str) -> Vec<Value> {
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let arena = Arena::default();
    let modules = Loader::new(definitions).load(&arena, File { code, path: () });
    let modules = modules.unwrap_or_else(|errors| panic!("{code}: {errors:?}"));
    let filter = Compiler::<_, JustLut<Val>>::default().with_funs(functions).compile(modules);
    let filter = filter.unwrap_or_else(|errors| panic!("{code}: {errors:?}"));
    let mut found = vec![];
    for document in read::parse_many(documents.as_bytes()) {
        let context = Ctx::<JustLut<Val>>::new(&filter.lut, Vars::new([]));
        for one in filter.id.run((context, document.unwrap())).map(unwrap_valr) {
            let one = one.unwrap_or_else(|error| panic!("{code}: {error}"));
            found.push(serde_json::from_str(&one.to_string()).unwrap());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_jq_examples_find_something_in_what_the_commands_write() {
    let server = Server::start(answers).await;
    let examples = all_examples();
    let own: Vec<&String> = examples.iter().filter(|example| !example.contains(TERRAFORM)).collect();
    assert!(own.len() >= 4, "{examples:#?}");
    for example in own {
        let (command, filter) = parts(example);
        let words = command.strip_prefix("visma-webhooks ").unwrap_or_else(|| panic!("no test runs {example}"));
        let words: Vec<&str> = words.split_whitespace().chain(["--api", server.url.as_str()]).collect();
        ASKED.lock().unwrap().clear();
        let output = run(&words, "");
        let found = filtered(filter, &text(&output.stdout));
        assert!(!found.is_empty() && !found.contains(&Value::Null), "{example}: {found:?} of {output:?}");
    }
}

#[test]
fn the_outputs_of_terraform_become_options() {
    let examples = all_examples();
    let example = examples.iter().find(|example| example.contains(TERRAFORM)).expect("terraform/README.md has it");
    let outputs = [("ApiUrl", "https://abc123.execute-api.eu-north-1.amazonaws.com"), ("TableName", "webhooks")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let document: Value = outputs.iter().cloned().collect();
    let options = filtered(parts(example).1, &document.to_string());
    let options: Vec<&str> = options.iter().filter_map(Value::as_str).collect();
    let ((before, _), (_, after)) = (example.split_once(TERRAFORM).unwrap(), example.rsplit_once(')').unwrap());
    let line = format!("{before}{}{after}", options.join(" "));
    assert_eq!(Arguments::try_parse_from(line.split_whitespace()).unwrap().set, outputs, "{line}");
}
