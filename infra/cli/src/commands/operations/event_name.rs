//! The event names of filters.

use similar::get_close_matches;
use webhooks_model::catalogue::{self, CATALOGUE};

const NEAR: usize = 3;
/// How similar two names must be.
const ALIKE: f32 = 0.6;

/// The name as in the catalogue. An unknown name stays as it is, since such notifications may have
/// come.
pub(super) fn canonical(name: &str) -> String {
    catalogue::find(name).map_or_else(|| name.to_owned(), |event| event.id.to_owned())
}

/// The message and advice for a name that is not in the catalogue.
pub(super) fn unknown(name: &str) -> Option<(String, String)> {
    if catalogue::find(name).is_some() {
        return None;
    }
    let names: Vec<&str> = CATALOGUE.iter().map(|event| event.id).collect();
    let near = get_close_matches(name.to_uppercase().as_str(), &names, NEAR, ALIKE).join(", ");
    let advice = match near.is_empty() {
        true => "Name an event of docs/visma-net-events.md, such as ACCOUNT_CHANGED.".to_owned(),
        false => format!("Did you mean: {near}?"),
    };
    Some((format!("no event of the catalogue is called {name}"), advice))
}
