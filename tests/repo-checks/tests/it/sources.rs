//! The sources: their sizes, their number, and structures that refuse lists.

use repo_checks::infra;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const LINES: usize = 400;
/// Files that may be longer, with the reason.
const LONGER: [(&str, &str); 1] = [(
    "infra/template.yaml",
    "one template, so that one command deploys it; nested stacks could not refer to each other",
)];
/// More files are hard to oversee. Programs that write many inputs must pack them.
const FILES: usize = 1000;

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
fn the_repository_has_fewer_than_1000_files() {
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
