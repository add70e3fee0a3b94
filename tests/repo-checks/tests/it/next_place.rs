//! The four changes that CONTRIBUTING.md teaches. A failure names the forgotten place.

use crate::named_tests::{known_tests, named_in, page, quoted_in, rows};
use crate::sources::{each_file, root};
use std::collections::BTreeSet;
use webhooks_metrics::DEFINITIONS;
use webhooks_model::Entity;
use webhooks_model::catalogue::{self, CATALOGUE};
use webhooks_model::resource_path::ResourcePath;

const FACTS: &str = "docs/visma-net.md";
const CATALOGUE_FILE: &str = "shared/model/src/catalogue.rs";
const STANDIN: &str = "tests/standin/src/catalogue.rs";
const ROUTE: &str = "shared/settings/src/route.rs";
const TUTORIAL: &str = "CONTRIBUTING.md";
/// Entities without a resource in the ERP.
const WITHOUT_RESOURCE: [Entity; 2] = [Entity::Company, Entity::Voucher];

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

/// Removes text in parentheses.
fn plain(cell: &str) -> String {
    let behind = |part: &str| part.split_once(')').map_or_else(String::new, |(_, rest)| rest.to_owned());
    let parts = cell.split('(').enumerate();
    parts.map(|(at, part)| if at == 0 { part.to_owned() } else { behind(part) }).collect()
}

/// The part of the facts with all events: a table, and names in backticks.
fn listed(facts: &str) -> &str {
    let (_, section) = facts.split_once("\n### Event catalogue\n").expect("the section");
    section.split_once("\n- ").expect("the notes behind its lists").0
}

/// Each row of the table: an entity, and its events as `Account Changed`.
fn tabled(list: &str) -> Vec<Vec<String>> {
    let cells = list.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    let events = |(entity, events): (&str, &str)| -> Vec<String> {
        let (entity, events) = (plain(entity), plain(events));
        events.split(',').map(|event| format!("{} {}", entity.trim(), event.trim())).collect()
    };
    cells.filter(|(entity, _)| *entity != "entity").map(events).collect()
}

fn is_id(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}

#[test]
fn every_event_is_in_the_facts_the_catalogue_and_the_stand_in() {
    let facts = page(FACTS);
    let list = listed(&facts);
    let table = tabled(list);
    let names: Vec<String> = table.concat();
    let ids = quoted_in(list).filter(|name| is_id(name));
    let documented: BTreeSet<&str> = names
        .iter()
        .map(String::as_str)
        .chain(ids)
        .map(|name| catalogue::find(name).unwrap_or_else(|| panic!("{CATALOGUE_FILE}: add {name:?} to CATALOGUE")).id)
        .collect();
    let standin = page(STANDIN);
    for event in CATALOGUE {
        let id = event.id;
        assert!(documented.contains(id), "{FACTS}: add {id} to the event catalogue, with its source");
        assert!(standin.contains(&format!("(\"{id}\", ")), "{STANDIN}: add {id}, so that tests can send it");
    }
    let sent = standin.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.split('"').next());
    for id in sent {
        assert!(catalogue::find(id).is_some(), "{CATALOGUE_FILE}: add {id} to CATALOGUE");
    }
    let counted = format!("{} entities, {} events.", table.len(), names.len());
    assert!(facts.contains(&counted), "{FACTS}: write {counted:?} above the table of events");
}

#[test]
fn the_stand_in_serves_the_resource_of_every_entity() {
    let standin = page("tests/standin/src/collection.rs");
    let known: BTreeSet<Entity> = CATALOGUE.iter().map(|event| event.entity).collect();
    for entity in known {
        let name = entity.as_str();
        let path = ResourcePath::for_entity(entity, "A/1").map(|path| path.to_string());
        assert_eq!(
            path.is_none(),
            WITHOUT_RESOURCE.contains(&entity),
            "shared/model/src/entity.rs: name the resource of {name}; if the ERP has none, add it to WITHOUT_RESOURCE here"
        );
        let path = path.unwrap_or_default();
        let resource = path.trim_start_matches("api/").split('/').nth(1);
        let is_served = resource.is_none_or(|resource| standin.contains(&format!("(\"{resource}\", ")));
        assert!(is_served, "tests/standin/src/collection.rs: serve the resource of {name}: {resource:?}");
    }
}

#[test]
fn every_option_of_a_route_is_read_tested_documented_and_in_the_command_line() {
    let route = page(ROUTE);
    let (_, fields) = route.split_once("pub struct Route {").expect("the options");
    let fields = fields.split_once("\n}").expect("their end").0;
    let options: Vec<&str> =
        fields.lines().filter_map(|line| Some(line.trim().strip_prefix("pub ")?.split_once(':')?.0)).collect();
    assert!(options.len() > 4, "{options:?}");
    let readers = route.clone() + &sources("functions/processor/src");
    let tests = sources("functions/processor/tests");
    let commands = page("infra/cli/src/commands/settings.rs");
    let readme = page("shared/settings/README.md");
    let example = readme.lines().find(|line| line.contains("\"routes\": [")).expect("the example");
    for option in options {
        let name = format!("\"{option}\"");
        assert!(has(&readers, &format!(".{option}")), "functions/processor/src: nothing reads the option {option}");
        assert!(tests.contains(&name), "functions/processor/tests: no test sets the option {option} of a route");
        assert!(
            example.contains(&name),
            "shared/settings/README.md: add {option} to the example of `routes`, and say what it does"
        );
        assert!(
            commands.contains(&name),
            "infra/cli/src/commands/settings.rs: `routes add` cannot set the option {option}"
        );
    }
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
fn reads_a_table_of_events_without_its_remarks() {
    let list = "| entity | events |\n|---|---|\n| Account (all, old) | Changed, Renamed (its number), Updated |\n";
    assert_eq!(tabled(list), [["Account Changed", "Account Renamed", "Account Updated"]]);
    assert!(has("a.b(c)", ".b") && !has("a.bc", ".b"));
}
