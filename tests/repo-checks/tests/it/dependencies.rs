//! Dependencies of crates point one way, as ARCHITECTURE.md draws them, and functions and tests
//! share them compiled. Files of a crate must not need each other, since they would really be one
//! file.

use crate::sources::root;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// From the outside to the inside. Functions do not need functions. Shared crates may need each
/// other, and cargo rejects circles.
const LAYERS: [&str; 3] = ["functions", "shared", "shared/model"];
/// The folders in which files must not need each other: the product and its tools.
const FOLDERS: [&str; 3] = ["functions", "shared", "infra"];

/// Names, with those that each needs.
type Needs = BTreeMap<String, BTreeSet<String>>;

/// A crate's folder below the root, and those of our crates that it needs at run time.
fn dependencies() -> Vec<(String, Vec<String>)> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output();
    let metadata: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let root = root();
    let below = |path: &Value| {
        let path = Path::new(path.as_str().unwrap());
        let path = if path.ends_with("Cargo.toml") { path.parent().unwrap() } else { path };
        path.strip_prefix(&root).unwrap().to_string_lossy().into_owned()
    };
    let packages = metadata["packages"].as_array().unwrap().iter();
    let of = |package: &Value| {
        let ours = package["dependencies"].as_array().unwrap().iter();
        let ours = ours.filter(|other| other["path"].is_string() && other["kind"].is_null());
        (below(&package["manifest_path"]), ours.map(|other| below(&other["path"])).collect())
    };
    packages.map(of).collect()
}

fn layer(folder: &str) -> Option<usize> {
    LAYERS.iter().rposition(|layer| folder == *layer || folder.starts_with(&format!("{layer}/")))
}

#[test]
fn dependencies_point_from_functions_over_shared_crates_to_the_model() {
    let all = dependencies();
    assert!(all.iter().any(|(folder, on)| folder == "functions/intake" && on.contains(&"shared/model".to_owned())));
    for (folder, on) in all {
        let Some(own) = layer(&folder) else { continue };
        for other in on {
            let theirs = layer(&other)
                .unwrap_or_else(|| panic!("{folder} must not need {other}, which is no part of the product"));
            let is_inwards = theirs > own || (theirs == own && own == 1);
            assert!(is_inwards, "{folder} must not need {other}");
        }
    }
}

#[test]
fn the_model_does_not_depend_on_aws_http_or_a_runtime() {
    let manifest = fs::read_to_string(root().join("shared/model/Cargo.toml")).unwrap();
    for effect in ["aws", "lambda", "tokio", "reqwest", "http", "hyper"] {
        assert!(!manifest.lines().any(|line| line.starts_with(effect)), "{effect}");
    }
}

/// `a & b --> c & d --> e`, line by line.
fn drawn(text: &str) -> Needs {
    let mut graph = Needs::new();
    for line in text.lines() {
        let steps: Vec<Vec<&str>> = line.split("-->").map(|names| names.split('&').map(str::trim).collect()).collect();
        for pair in steps.windows(2) {
            for from in &pair[0] {
                graph.entry((*from).to_owned()).or_default().extend(pair[1].iter().map(|to| (*to).to_owned()));
            }
        }
    }
    graph
}

fn reached(graph: &Needs, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![from.to_owned()];
    while let Some(next) = waiting.pop() {
        let others = graph.get(&next).into_iter().flatten();
        waiting.extend(others.filter(|other| found.insert((*other).clone())).cloned());
    }
    found
}

/// Removes edges that follow from others.
fn reduced(graph: &Needs) -> Needs {
    let needless = |others: &BTreeSet<String>, one: &String| {
        others.iter().any(|other| other != one && reached(graph, other).contains(one))
    };
    let kept = graph.iter().map(|(from, others)| {
        let kept = others.iter().filter(|one| !needless(others, one)).cloned();
        (from.clone(), kept.collect::<BTreeSet<_>>())
    });
    kept.filter(|(_, others)| !others.is_empty()).collect()
}

#[test]
fn architecture_draws_the_dependencies_of_the_crates() {
    let name = |folder: &str| folder.rsplit('/').next().unwrap_or_default().to_owned();
    let real: Needs = dependencies()
        .into_iter()
        .filter(|(folder, _)| layer(folder).is_some())
        .map(|(folder, others)| (name(&folder), others.iter().map(|other| name(other)).collect()))
        .collect();
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let graph = text.split("```mermaid").nth(1).and_then(|rest| rest.split("```").next()).expect("a graph");
    assert_eq!(drawn(graph), reduced(&real));
}

/// A line with the features of each crate.
fn features(edges: &str) -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--locked", "--offline", "--workspace", "--features", "end-to-end/local-stack"]);
    tree.args(["--edges", edges, "--prefix", "none", "--format", "{p} {f}"]).current_dir(root());
    let output = tree.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn functions_and_tests_share_their_compiled_crates() {
    let (functions, tests) = (features("normal,build"), features("normal,build,dev"));
    assert!(functions.len() > 200, "{functions:#?}");
    let others: Vec<_> = functions.difference(&tests).collect();
    let advice = "tests switch on further features of these, and all above them is compiled twice: see tests/features";
    assert!(others.is_empty(), "{advice}\n{others:#?}");
}

/// The first names of all `crate::` paths in a source.
fn needed(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut names = BTreeSet::new();
    for path in code.split("crate::").skip(1) {
        match path.strip_prefix('{') {
            Some(list) => names.extend(first_names(list)),
            None => names.extend(name(path)),
        }
    }
    names
}

fn name(text: &str) -> Option<String> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

/// For `a::{b, c}, d}`: `a` and `d`.
fn first_names(list: &str) -> Vec<String> {
    let (mut depth, mut names) = (0, vec![]);
    let mut is_first = true;
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_first = true,
            _ if is_first && depth == 0 && !character.is_whitespace() => {
                names.extend(name(&list[at..]));
                is_first = false;
            }
            _ => {}
        }
    }
    names
}

/// The names that `lib.rs` exports, with their modules.
fn exported(root: &str) -> BTreeMap<String, String> {
    let mut from = BTreeMap::new();
    for line in root.split("pub use ").skip(1) {
        let Some((path, _)) = line.split_once(';') else { continue };
        let Some((module, names)) = path.split_once("::") else { continue };
        for name in names.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty()) {
            from.insert(name.to_owned(), module.to_owned());
        }
    }
    from
}

/// The modules that each module needs. A folder is one module.
fn needs(source: &Path) -> Needs {
    let read = |name: &str| fs::read_to_string(source.join(name)).unwrap_or_default();
    let exported = exported(&(read("lib.rs") + &read("main.rs")));
    let mut needs = Needs::new();
    let mut folders = vec![source.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let below = path.strip_prefix(source).unwrap().to_string_lossy().into_owned();
            let module = below.split(['/', '.']).next().unwrap_or_default().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if below.ends_with(".rs")
                && !["lib", "main"].contains(&module.as_str())
                && !module.ends_with("_tests")
            {
                let names = needed(&fs::read_to_string(&path).unwrap());
                let modules = names.into_iter().map(|name| exported.get(&name).cloned().unwrap_or(name));
                needs.entry(module.clone()).or_default().extend(modules.filter(|other| *other != module));
            }
        }
    }
    needs
}

/// Removes modules that need none of the others, again and again. Circles and their users remain.
fn circles(mut needs: Needs) -> Needs {
    let known: BTreeSet<String> = needs.keys().cloned().collect();
    needs.values_mut().for_each(|others| others.retain(|other| known.contains(other)));
    while let Some(free) = needs.iter().find(|(_, others)| others.is_empty()).map(|(module, _)| module.clone()) {
        needs.remove(&free);
        for others in needs.values_mut() {
            others.remove(&free);
        }
    }
    needs
}

#[test]
fn no_two_files_of_a_crate_need_each_other() {
    let mut looked_at = 0;
    for folder in FOLDERS {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let source = entry.unwrap().path().join("src");
            if source.is_dir() {
                let needs = needs(&source);
                looked_at += needs.len();
                assert_eq!(circles(needs), Needs::new(), "a circle in {}", source.display());
            }
        }
    }
    assert!(looked_at > 100, "only {looked_at} modules were found");
}

#[test]
fn finds_circles_in_every_notation() {
    let source =
        "use crate::{a::{self, X}, b::Y,\n    c};\nuse crate::d::Z; fn f() { crate::e::g() } // crate::h\n// crate::i";
    assert_eq!(needed(source).into_iter().collect::<String>(), "abcdeh");
    assert_eq!(exported("pub use a::{B, C};\npub use d::E;")["C"], "a");
    let graph = |edges: &[(&str, &str)]| -> Needs {
        let mut needs = Needs::new();
        for (one, other) in edges {
            needs.entry((*one).to_owned()).or_default().insert((*other).to_owned());
            needs.entry((*other).to_owned()).or_default();
        }
        needs
    };
    assert!(circles(graph(&[("a", "b"), ("b", "c"), ("a", "c")])).is_empty());
    assert_eq!(circles(graph(&[("a", "b"), ("b", "c"), ("c", "b")])).len(), 3);
}
