//! The four changes that CONTRIBUTING.md teaches. A failure names the forgotten place.

use crate::named_tests::{known_tests, named_in, page, quoted_in, rows};
use crate::sources::{each_file, root};
use std::collections::{BTreeMap, BTreeSet};
use webhooks_metrics::DEFINITIONS;
use webhooks_model::Entity;
use webhooks_model::catalogue::{self, CATALOGUE, EventType};
use webhooks_model::resource_path::ResourcePath;

const EVENTS: &str = "docs/visma-net-events.md";
const CATALOGUE_FILE: &str = "shared/model/src/catalogue.rs";
const ROWS: &str = "shared/model/src/entity/rows.rs";
const COLLECTIONS: &str = "tests/standin/src/collection.rs";
const ROUTE: &str = "shared/settings/src/route.rs";
const TUTORIAL: &str = "CONTRIBUTING.md";
/// An entity without rules of its own. A list of all entities, or a match without `_`, names it.
const PLAIN: &str = "Dimension";

/// The concatenated sources below a folder.
fn sources(folder: &str) -> String {
    let mut all = String::new();
    each_file(&root().join(folder), &mut |_, text| all.push_str(text));
    all
}

/// Whether a text has this word, not just as the start of a longer name.
fn has(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let next = text[at + words.len()..].chars().next();
        next.is_none_or(|c| !c.is_ascii_alphanumeric())
    })
}

/// A row of the facts' tables of events.
#[derive(Debug, PartialEq, Eq)]
struct Documented<'a> {
    id: &'a str,
    /// For example `Account Changed`.
    name: String,
    kind: &'a str,
    /// Empty if the ERP has none.
    resource: &'a str,
}

impl Documented<'_> {
    /// The product's event of this id.
    fn known(&self) -> &'static EventType {
        catalogue::find(self.id).unwrap_or_else(|| panic!("{ROWS}: add {} to the events of its entity", self.id))
    }
}

fn documented(page: &str) -> Vec<Documented<'_>> {
    page.lines().filter_map(documented_in).collect()
}

fn documented_in(line: &str) -> Option<Documented<'_>> {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let [_, id, entity, event, kind, resource, _] = cells[..] else { return None };
    let id = id.strip_prefix('`')?.strip_suffix('`')?;
    Some(Documented { id, name: format!("{entity} {event}"), kind, resource })
}

#[test]
fn the_catalogue_has_exactly_the_documented_events() {
    let events = page(EVENTS);
    let documented = documented(&events);
    for event in &documented {
        let known = event.known();
        // The names of vouchers' events are not Visma's.
        if event.kind != "voucher" {
            let name = &event.name;
            let found = catalogue::find(name).map(|event| event.id);
            assert_eq!(found, Some(known.id), "{CATALOGUE_FILE}: add the name {name:?} of {} to ALIASES", known.id);
        }
    }
    for event in CATALOGUE {
        let is_documented = documented.iter().any(|other| other.id == event.id);
        assert!(is_documented, "{EVENTS}: add a row for {}, with its source", event.id);
    }
}

#[test]
fn the_documented_resource_of_every_entity_is_fetched_and_in_the_stand_in() {
    let (events, standin) = (page(EVENTS), page(COLLECTIONS));
    let mut resources = BTreeMap::<Entity, BTreeSet<&str>>::new();
    for event in documented(&events) {
        let of_entity = resources.entry(event.known().entity).or_default();
        if !event.resource.is_empty() {
            of_entity.insert(event.resource);
            let (id, resource) = (event.id, event.resource);
            let is_served = standin.contains(&format!("(\"{resource}\", "));
            assert!(is_served, "{COLLECTIONS}: serve the resource {resource:?} of {id}");
        }
    }
    for (entity, documented) in resources {
        let path = ResourcePath::for_entity(entity, "A/1").map(|path| path.to_string());
        let fetched = path.as_deref().and_then(|path| path.trim_start_matches("api/").split('/').nth(1));
        let is_documented = fetched.map_or(documented.is_empty(), |fetched| documented.contains(fetched));
        let name = entity.as_str();
        assert!(is_documented, "{ROWS}: {name} is fetched from {fetched:?}, but {EVENTS} has {documented:?}");
    }
}

#[test]
fn an_entity_needs_only_the_files_of_the_tutorial() {
    let tutorial = page(TUTORIAL);
    let (_, section) = tutorial.split_once("\n### An entity\n").expect("the section");
    let section = section.split("\n### ").next().unwrap_or_default();
    let places = rows(section).filter_map(|(place, _)| quoted_in(place).next());
    let taught: BTreeSet<String> = places.map(str::to_owned).collect();
    let names =
        [format!("::{PLAIN}"), format!("\"{}\"", PLAIN.to_lowercase()), format!("{}_CHANGED", PLAIN.to_uppercase())];
    let mut needed = BTreeSet::new();
    each_file(&root(), &mut |path, text| {
        if names.iter().any(|name| has(text, name)) {
            needed.insert(path.to_owned());
        }
    });
    assert_eq!(needed, taught, "{TUTORIAL}: an entity needs these files, by the example of {PLAIN}");
}

#[test]
fn every_option_of_a_route_is_described_read_tested_and_in_the_command_line() {
    let route = page(ROUTE);
    let options = options(&route);
    assert!(options.len() > 4, "{options:?}");
    let readers = route.clone() + &sources("functions/processor/src");
    let tests = sources("functions/processor/tests");
    let commands = page("infra/cli/src/commands/settings.rs");
    for (option, is_described) in options {
        let name = format!("\"{option}\"");
        assert!(is_described, "{ROUTE}: say above the option {option} what it does");
        assert!(has(&readers, &format!(".{option}")), "functions/processor/src: nothing reads the option {option}");
        assert!(tests.contains(&name), "functions/processor/tests: no test sets the option {option} of a route");
        assert!(
            commands.contains(&name),
            "infra/cli/src/commands/settings.rs: `routes add` cannot set the option {option}"
        );
    }
}

/// The fields of `Route`, and whether a comment is above each.
fn options(source: &str) -> Vec<(&str, bool)> {
    let (_, fields) = source.split_once("pub struct Route {").expect("the options");
    let lines = fields.split_once("\n}").expect("their end").0.lines().map(str::trim);
    let (mut options, mut is_described) = (vec![], false);
    for line in lines {
        is_described |= line.starts_with("///");
        if let Some((name, _)) = line.strip_prefix("pub ").and_then(|field| field.split_once(':')) {
            options.push((name, is_described));
            is_described = false;
        }
    }
    options
}

#[test]
fn every_metric_is_recorded_and_tested() {
    let shared = page("shared/metrics/src/recorder.rs");
    for definition in DEFINITIONS {
        let name = definition.name;
        let folders: Vec<_> = definition.services.iter().map(|by| format!("functions/{}", by.as_str())).collect();
        for folder in &folders {
            let recorded = sources(&format!("{folder}/src")) + &shared;
            assert!(has(&recorded, &format!("Metric::{name}")), "{folder}/src: nothing records the metric {name}");
        }
        let is_tested = folders.iter().any(|folder| has(&sources(&format!("{folder}/tests")), &format!("\"{name}")));
        assert!(is_tested, "{}/tests: no test looks at the metric {name}", folders[0]);
    }
}

#[test]
fn the_tutorial_names_files_and_tests_that_exist() {
    let page = page(TUTORIAL);
    let (_, tutorial) = page.split_once("\n## Four changes").expect("the tutorial");
    let tutorial = tutorial.split("\n## ").next().unwrap_or_default();
    let known: BTreeSet<String> = known_tests().into_iter().map(|(_, name)| name).collect();
    let mut shown = 0;
    for (place, proof) in rows(tutorial) {
        let file = quoted_in(place).next().unwrap_or_else(|| panic!("{TUTORIAL}: {place} names no file"));
        assert!(root().join(file).exists(), "{TUTORIAL}: there is no file {file}");
        for test in named_in(proof) {
            assert!(known.contains(test), "{TUTORIAL}: there is no test {test}");
            shown += 1;
        }
    }
    assert!(shown > 10, "{shown}");
}

#[test]
fn reads_tables_of_events_and_the_fields_of_a_route() {
    let row = "| `ACCOUNT_CHANGED` | Account | Changed | changed | account |";
    let page = format!("| id | entity | event | kind | resource |\n|---|---|---|---|---|\n{row}\n");
    let event =
        Documented { id: "ACCOUNT_CHANGED", name: "Account Changed".into(), kind: "changed", resource: "account" };
    assert_eq!(documented(&page), [event]);
    let fields = "pub struct Route {\n    /// A\n    #[serde(default)]\n    pub a: bool,\n    pub b: u32,\n}\n";
    assert_eq!(options(fields), [("a", true), ("b", false)]);
    assert!(has("a.b(c)", ".b") && !has("a.bc", ".b"));
}
