//! The console's page: anyone may load it, and it opens nothing else.

use crate::world::{Answer, World};
use operations::Authorizer;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use webhooks_model::catalogue::CATALOGUE;
use webhooks_model::entity::Group;
use webhooks_model::{Entity, Reason};

const PAGE: &str = "/operations/console";

async fn anyone(world: &World, method: &str, url: &str) -> Answer {
    world.ask(method, url, Value::Null, None).await
}

/// All addresses below /operations in a text.
fn addresses(text: &str) -> Vec<String> {
    let quoted = text.split('"').filter(|part| part.contains("?v="));
    quoted.map(|part| format!("{PAGE}/{}", part.rsplit('/').next().unwrap())).collect()
}

#[tokio::test]
async fn serves_the_page_and_its_files_to_anyone() {
    let world = World::new().await;
    let page = anyone(&world, "GET", PAGE).await;
    assert_eq!(
        (page.status.as_u16(), &page.headers["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert_eq!(page.headers["cache-control"], "no-cache");
    let mut wanted = addresses(&page.text);
    let (mut seen, mut size) = (vec![], page.text.len());
    while let Some(address) = wanted.pop() {
        if seen.contains(&address) {
            continue;
        }
        let file = anyone(&world, "GET", &address).await;
        assert_eq!(file.status.as_u16(), 200, "{address}");
        assert_eq!(file.headers["cache-control"], "public, max-age=31536000, immutable", "{address}");
        wanted.extend(addresses(&file.text));
        size += file.text.len();
        seen.push(address);
    }
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("console")).unwrap();
    let files = files.filter(|file| file.as_ref().unwrap().file_type().unwrap().is_file()).count();
    assert_eq!(seen.len(), files - 1, "all but the page itself: {seen:?}");
    assert!(size < 120_000, "{size} bytes are more than a phone should load");
}

#[tokio::test]
async fn the_page_knows_every_entity_and_every_event() {
    let words = anyone(&World::new().await, "GET", "/operations/console/words.js").await.text;
    for entity in Entity::ALL {
        let row = format!("{entity}|{}|{}", entity.title(), entity.group().title());
        assert!(words.contains(&row), "{row}");
    }
    for group in Group::ALL {
        assert!(words.contains(&format!("\"{}\"", group.title())), "words.js has no group {group:?}");
    }
    let (_, events) = words.split_once("EVENTS=\"").expect("the events");
    let suggested: Vec<_> = events.split('"').next().unwrap().split(' ').collect();
    assert_eq!(suggested, CATALOGUE.iter().map(|event| event.id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_browser_caches_the_page_and_files_of_an_older_version_are_gone() {
    let world = World::new().await;
    for address in [PAGE.to_owned(), format!("{PAGE}/app.js")] {
        let tag = anyone(&world, "GET", &address).await.headers["etag"].clone();
        let again = world.ask_with("GET", &address, &[("if-none-match", tag.to_str().unwrap())]).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
        let other = world.ask_with("GET", &address, &[("if-none-match", "\"other\"")]).await;
        assert_eq!(other.status.as_u16(), 200);
    }
    assert_eq!(anyone(&world, "GET", &format!("{PAGE}/app.js?v=0")).await.problem(), (404, "not_found"));
}

#[tokio::test]
async fn the_policy_allows_only_own_files_and_the_issuer() {
    let world = World::new().await;
    let page = anyone(&world, "GET", PAGE).await;
    assert_eq!(
        page.headers["content-security-policy"],
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self' https://issuer.example https://tokens.example; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    for address in [PAGE, "/operations/console/app.js", "/operations/console/config.json", "/operations/console/x"] {
        let headers = anyone(&world, "GET", address).await.headers;
        assert_eq!(
            (&headers["x-content-type-options"], &headers["referrer-policy"]),
            (&"nosniff".parse().unwrap(), &"no-referrer".parse().unwrap()),
            "{address}"
        );
    }
}

#[tokio::test]
async fn only_the_consoles_paths_need_no_token() {
    let world = World::new().await;
    for path in [
        "/operations/console/config.json/",
        "/operations/console/",
        "/operations/console//",
        "/operations/console/index.html",
        "/operations/console/app.js/x",
        "/operations/console/..%2Fv1%2Fcounts",
        "/operations/console/../v1/counts",
        "/operations/consoles",
    ] {
        let answer = anyone(&world, "GET", path).await;
        assert_eq!(answer.problem(), (404, "not_found"), "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        for path in [PAGE, "/operations/console/app.js", "/operations/console/config.json"] {
            assert_eq!(anyone(&world, method, path).await.problem(), (405, "method_not_allowed"), "{method} {path}");
        }
    }
    assert_eq!(anyone(&world, "GET", "/operations/v1/counts").await.problem(), (401, "unauthenticated"));
}

#[tokio::test]
async fn the_page_gets_only_its_sign_in_configuration_and_the_links_to_aws() {
    let world = World::new().await;
    let mut told = anyone(&world, "GET", "/operations/console/config.json").await;
    let links = told.body.as_object_mut().unwrap().remove("aws").unwrap();
    let links: BTreeMap<_, _> = links.as_object().unwrap().iter().map(|(name, link)| (name.as_str(), link)).collect();
    assert_eq!(links.keys().copied().collect::<Vec<_>>(), ["logs", "traces"]);
    for (name, link) in links {
        let link = link.as_str().unwrap();
        assert!(
            link.starts_with("https://console.aws.amazon.com/") && link.contains("webhooks-intake"),
            "{name}: {link}"
        );
    }
    let expected = json!({
        "issuer": "https://issuer.example/pool", "clientId": "people", "scope": "openid", "roleClaims": ["scope"], "rolePrefix": "visma-webhooks/",
    });
    assert_eq!((told.body, &told.headers["cache-control"]), (expected, &"no-cache".parse().unwrap()));
}

#[tokio::test]
async fn with_iam_there_is_no_console() {
    let world = World::with(Authorizer::Iam).await;
    for path in [PAGE, "/operations/console/app.js", "/operations/console/config.json"] {
        assert_eq!(anyone(&world, "GET", path).await.problem(), (404, "not_found"), "{path}");
    }
}

#[test]
fn no_file_turns_text_into_markup_code_or_inline_style() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("console");
    let mut read = 0;
    for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
        let text = fs::read_to_string(&file).unwrap();
        // Only a random mark outlives its tab, never a token.
        let marks = ["localStorage.getItem(KEEP)", "localStorage.setItem(KEEP, random())"];
        let text = marks.into_iter().fold(text, |text, mark| text.replace(mark, ""));
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "eval(",
            "new Function",
            ".style.",
            "localStorage",
        ] {
            assert!(!text.contains(word), "{}: {word}", file.display());
        }
        let is_page = file.ends_with("index.html");
        assert!(
            !is_page
                || !["<style", "style=", "onclick", "onload", "javascript:"].iter().any(|inline| text.contains(inline))
        );
        read += 1;
    }
    assert!(read > 10);
}

#[test]
fn every_reason_has_a_meaning_a_likely_cause_and_an_advice() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let codes = BTreeSet::from(Reason::ALL.map(Reason::as_str));
    let words = fs::read_to_string(root.join("console/words.js")).unwrap();
    let (_, words) = words.split_once("const REASONS = {\n").expect("the words of reasons");
    let words = words.split_once("\n};").expect("the end of the words").0;
    let words: BTreeMap<_, _> = words.lines().map(|line| line.trim().split_once(": ").unwrap()).collect();
    assert_eq!(words.keys().copied().collect::<BTreeSet<_>>(), codes);
    for (code, texts) in words {
        let texts: Vec<_> = texts.split('"').skip(1).step_by(2).collect();
        assert!(texts.len() >= 3 && texts.iter().all(|text| !text.is_empty()), "{code}: {texts:?}");
    }
}

#[test]
fn kinds_that_need_nobody_say_so_and_the_others_do_not() {
    let words = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("console/words.js")).unwrap();
    let (_, marks) = words.split_once("export const MARKS = {\n").expect("the kinds of attention");
    let lines: Vec<_> = marks.lines().take_while(|line| *line != "};").collect();
    let of = |kind: &str| lines.iter().find(|line| line.trim().starts_with(&format!("{kind}:"))).expect(kind);
    for kind in ["paused", "rate_limited"] {
        assert!(of(kind).contains("continue automatically"), "{}", of(kind));
    }
    for kind in ["dead", "parked", "unparseable", "feedback_parked"] {
        assert!(!of(kind).contains("automatically"), "{}", of(kind));
    }
}

/// The blanks of the code are left out when it is served, but not those of a text.
#[tokio::test]
async fn every_text_is_served_as_it_is_written() {
    let world = World::new().await;
    let (folder, mut compared) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("console"), 0);
    for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_none_or(|kind| kind != "js") {
            continue;
        }
        let name = file.file_name().unwrap().to_str().unwrap();
        let served = anyone(&world, "GET", &format!("{PAGE}/{name}")).await.text;
        let written = fs::read_to_string(&file).unwrap();
        let lines =
            written.lines().map(str::trim).filter(|line| !["//", "/*"].iter().any(|sign| line.starts_with(sign)));
        for text in lines.flat_map(|line| line.split('"').skip(1).step_by(2)) {
            if [".js", ".css", "@entities", "@events"].iter().all(|other| !text.ends_with(other)) {
                assert!(served.contains(&format!("\"{text}\"")), "{name}: {text}");
                compared += 1;
            }
        }
    }
    assert!(compared > 500, "{compared}");
}

/// What the page leaves to programs, and to the command line: who erases has another role.
const ELSEWHERE: [&str; 3] = ["openapi.json", "erasures", "erasures/plans"];

#[test]
fn the_page_uses_every_route_of_the_api() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("console");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let page: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    let document = serde_json::to_value(operations::document()).unwrap();
    let mut found = 0;
    for path in document["paths"].as_object().unwrap().keys() {
        let own = path.trim_start_matches("/operations/").trim_start_matches("v1/");
        if ELSEWHERE.contains(&own) {
            continue;
        }
        let Some((before, after)) = own.split_once('{') else {
            assert!(page.contains(&format!("(\"{own}\"")), "the page never asks for {path}");
            found += 1;
            continue;
        };
        assert!(page.contains(&format!("`{before}${{")), "the page never asks for {path}");
        // The deeds on one notification are listed by their names.
        let deed = after.split_once('/').map_or("", |(_, deed)| deed);
        let ways = [format!("/{deed}`"), format!("\"{deed}\""), format!(" {deed}: [")];
        assert!(deed.is_empty() || ways.iter().any(|way| page.contains(way)), "the page never does {path}");
        found += 1;
    }
    assert!(found > 20, "{found}");
}

#[test]
fn numbers_and_dates_follow_the_browsers_language() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("console");
    let writers = ["toLocaleString(", "toLocaleDateString(", "toLocaleTimeString(", "DateTimeFormat(", "NumberFormat("];
    let mut calls = 0;
    for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
        let text = fs::read_to_string(&file).unwrap();
        for language in writers.iter().flat_map(|writer| text.split(writer).skip(1)) {
            let is_browsers = language.starts_with(')') || language.starts_with("undefined");
            assert!(is_browsers, "{} names a language", file.display());
            calls += 1;
        }
        assert!(!text.contains(".toFixed("), "{} has a point in every language", file.display());
    }
    assert!(calls > 4);
}
