//! Files of a crate must not need each other, since they would really be one file.

use crate::sources::root;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The folders to check: the product and its tools.
const FOLDERS: [&str; 3] = ["functions", "shared", "infra"];

type Needs = BTreeMap<String, BTreeSet<String>>;

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
