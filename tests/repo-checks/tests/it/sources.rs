//! The sources: their sizes, their number, and their dependencies.

use repo_checks::infra;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const LINES: usize = 400;
/// Files that may be longer, with the reason.
const LONGER: [(&str, &str); 1] = [(
    "infra/template.yaml",
    "one template, so that one command deploys it; nested stacks could not refer to each other",
)];
/// More files are hard to oversee. Programs that write many inputs must pack them.
const FILES: usize = 1200;
/// From the outside to the inside. Functions do not need functions. Shared crates may need each
/// other, and cargo rejects circles.
const LAYERS: [&str; 3] = ["functions", "shared", "shared/model"];

pub(crate) fn root() -> PathBuf {
    infra().join("..").canonicalize().unwrap()
}

#[test]
fn no_file_is_too_long() {
    let mut long = Vec::new();
    each_file(&root(), &mut |path, text| {
        let lines = text.lines().count();
        if lines > LINES && !LONGER.iter().any(|(known, _)| path == *known) {
            long.push(format!("{path}: {lines}"));
        }
    });
    assert!(long.is_empty(), "split them by responsibility: {long:#?}");
}

#[test]
fn the_repository_has_fewer_than_1200_files() {
    let output = Command::new("git").arg("ls-files").current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).unwrap();
    let mut folders = BTreeMap::<&str, usize>::new();
    for file in listed.lines() {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        *folders.entry(folder).or_default() += 1;
    }
    let files: usize = folders.values().sum();
    assert!((1..FILES).contains(&files), "{files} files: {folders:#?}");
}

/// Serde reads them from a list, too, unless `from_objects!` keeps it from that.
#[test]
fn structures_that_refuse_unknown_fields_refuse_lists() {
    let mut found = 0;
    for folder in ["functions", "shared"] {
        each_file(&root().join(folder), &mut |path, text| {
            let attributes = text.lines().filter(|line| line.trim_start().starts_with("#[serde("));
            for attribute in attributes.filter(|line| line.contains("deny_unknown_fields")) {
                let refuses_lists = attribute.contains("remote = \"Self\"");
                assert!(refuses_lists, "{path}: add remote = \"Self\" here, and from_objects! below the structure");
                found += 1;
            }
        });
    }
    assert!(found > 10, "only {found} structures were found");
}

/// Every handwritten file, by its path below the repository's root.
pub(crate) fn each_file(folder: &Path, each: &mut impl FnMut(&str, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                each_file(&path, each);
            }
        } else if ["rs", "py", "yaml", "md", "js", "css", "html"]
            .iter()
            .any(|kind| path.extension() == Some(kind.as_ref()))
        {
            let below = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            each(&below, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// A crate's folder below the root, and those of our crates that it needs at run time.
pub(crate) fn dependencies() -> Vec<(String, Vec<String>)> {
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

pub(crate) fn layer(folder: &str) -> Option<usize> {
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
