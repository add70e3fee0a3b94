//! The console: a page without data. It asks the API for everything that it shows, with the token
//! of its user.

use crate::body::{Json, tag};
use crate::elsewhere::Elsewhere;
use crate::problem::Problem;
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use std::future::ready;
use std::sync::Arc;
use webhooks_model::Entity;
use webhooks_model::catalogue::CATALOGUE;

/// Name, content type and text of each file.
type Source = (&'static str, &'static str, &'static str);

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file as `build.rs` shortened it.
macro_rules! file {
    ($name:literal, $kind:expr) => {
        ($name, $kind, include_str!(concat!(env!("OUT_DIR"), "/", $name)))
    };
}

const PAGE: Source = file!("index.html", "text/html; charset=utf-8");
const FILES: &[Source] = &[
    file!("style.css", STYLE),
    file!("icon.svg", "image/svg+xml"),
    file!("app.js", SCRIPT),
    file!("session.js", SCRIPT),
    file!("api.js", SCRIPT),
    file!("dom.js", SCRIPT),
    file!("words.js", SCRIPT),
    file!("address.js", SCRIPT),
    file!("zone.js", SCRIPT),
    file!("live.js", SCRIPT),
    file!("groups.js", SCRIPT),
    file!("counters.js", SCRIPT),
    file!("tenants.js", SCRIPT),
    file!("filters.js", SCRIPT),
    file!("table.js", SCRIPT),
    file!("deeds.js", SCRIPT),
    file!("resends.js", SCRIPT),
    file!("chart.js", SCRIPT),
    file!("find.js", SCRIPT),
    file!("search.js", SCRIPT),
    file!("overview.js", SCRIPT),
    file!("notifications.js", SCRIPT),
    file!("attention.js", SCRIPT),
    file!("detail.js", SCRIPT),
    file!("entity.js", SCRIPT),
    file!("observed.js", SCRIPT),
    file!("pauses.js", SCRIPT),
    file!("letters.js", SCRIPT),
    file!("audit.js", SCRIPT),
    file!("jobs.js", SCRIPT),
    file!("replay.js", SCRIPT),
];
/// Placeholders in `words.js` for lists of the model.
const ENTITIES: &str = "@entities";
const EVENTS: &str = "@events";

/// The configuration that anyone gets with the page. It contains no secret.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Console {
    /// The issuer of the tokens.
    pub issuer: String,
    /// The public client for the authorization code flow; empty if users paste their tokens.
    pub client_id: String,
    /// The scope to request at sign-in.
    pub scope: String,
    /// The token's claims that list roles. They decide what the page offers, not what the API
    /// allows.
    pub role_claims: Vec<String>,
    /// The prefix of a role's name in a claim.
    pub role_prefix: String,
    /// Links to AWS's console. The local AWS has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<Elsewhere>,
    /// The origin of the token endpoint, if it differs from the issuer's origin.
    #[serde(skip)]
    pub token_origin: String,
}

struct Served {
    version: String,
    policy: HeaderValue,
    page: String,
    files: Vec<(&'static str, &'static str, String)>,
    console: Console,
}

/// Adds the console to the API, if there is one.
pub fn with_console(api: Router, console: Option<Console>) -> Router {
    console.into_iter().map(router).fold(api, Router::merge)
}

/// Serves `GET /operations/console` and its files. Only these paths need no token.
fn router(console: Console) -> Router {
    let entities = Entity::ALL.map(|one| [one.as_str(), one.title(), one.group().title()].join("|")).join(";");
    let events = CATALOGUE.iter().map(|event| event.id).collect::<Vec<_>>().join(" ");
    // Six digits are enough, and files repeat the version in each of their addresses.
    let version = tag((PAGE, FILES, &entities, &events)).split_off(10);
    let filled = |text: &str| text.replace(ENTITIES, &entities).replace(EVENTS, &events);
    // Each address has the version of all files, so that a browser never mixes two versions.
    let versioned = |text: &str| {
        ["js", "css", "svg"]
            .iter()
            .fold(text.to_owned(), |text, kind| text.replace(&format!(".{kind}\""), &format!(".{kind}?v={version}\"")))
    };
    let served = Served {
        policy: policy(&console),
        page: versioned(PAGE.2),
        files: FILES.iter().map(|(name, kind, text)| (*name, *kind, filled(&versioned(text)))).collect(),
        version,
        console,
    };
    let served = Arc::new(served);
    let show = move |name: Option<Path<String>>, Query(query): Query<Vec<(String, String)>>, headers: HeaderMap| {
        let version = query.iter().find(|(name, _)| name == "v").map(|(_, version)| version.as_str());
        ready(match name.as_ref().map(|Path(name)| name.as_str()) {
            None => served.page(&headers),
            Some("config.json") => served.config(),
            Some(name) => served.file(name, version, &headers),
        })
    };
    Router::new()
        .route("/operations/console", get(show.clone()))
        .route("/operations/console/{file}", get(show))
        .method_not_allowed_fallback(async || Problem::no_such_method())
}

impl Served {
    fn page(&self, headers: &HeaderMap) -> Response {
        let mut response = answer(headers, PAGE.1, "no-cache", &self.page);
        let own = [
            (header::CONTENT_SECURITY_POLICY, self.policy.clone()),
            (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        ];
        response.headers_mut().extend(own);
        response
    }

    fn config(&self) -> Response {
        secured(([(header::CACHE_CONTROL, "no-cache")], Json(&self.console)).into_response())
    }

    fn file(&self, name: &str, version: Option<&str>, headers: &HeaderMap) -> Response {
        let found = self.files.iter().find(|(own, ..)| *own == name);
        match (found, version) {
            (Some((_, kind, text)), None) => answer(headers, kind, "no-cache", text),
            (Some((_, kind, text)), Some(version)) if version == self.version => {
                answer(headers, kind, "public, max-age=31536000, immutable", text)
            }
            _ => secured(Problem::no_such_path().into_response()),
        }
    }
}

fn answer(asked: &HeaderMap, kind: &'static str, caching: &'static str, text: &str) -> Response {
    let tag = format!("\"{}\"", tag(text));
    let known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let headers = [(header::CACHE_CONTROL, caching.to_owned()), (header::ETAG, tag)];
    secured(match known {
        true => (StatusCode::NOT_MODIFIED, headers).into_response(),
        false => (headers, [(header::CONTENT_TYPE, kind)], text.to_owned()).into_response(),
    })
}

fn secured(mut response: Response) -> Response {
    let headers = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    response.headers_mut().extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

/// The content security policy. Scripts, styles and answers come from this origin, tokens from the
/// issuer, and nothing from elsewhere. Trusted types prevent that text becomes markup.
fn policy(console: &Console) -> HeaderValue {
    let signs_in = !console.client_id.is_empty();
    let origins = [&console.issuer, &console.token_origin].map(|url| origin(url).filter(|_| signs_in));
    let origins: String = origins.into_iter().flatten().map(|origin| format!(" {origin}")).collect();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{origins}; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    HeaderValue::try_from(policy).expect("an origin has no other characters than a header may have")
}

/// The origin of a URL: scheme, host and port. `None` if the text is not a URL.
fn origin(url: &str) -> Option<&str> {
    let start = ["https://", "http://"].into_iter().find(|scheme| url.starts_with(scheme))?.len();
    let length = url[start..].find('/').unwrap_or(url.len() - start);
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    (length > 0 && url[start..start + length].chars().all(is_host)).then(|| &url[..start + length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port_and_cannot_end_a_directive() {
        assert_eq!(
            origin("https://cognito-idp.eu-north-1.amazonaws.com/p"),
            Some("https://cognito-idp.eu-north-1.amazonaws.com")
        );
        assert_eq!(origin("http://127.0.0.1:80"), Some("http://127.0.0.1:80"));
        for none in
            ["", "https://", "javascript:x", "https://a; script-src *", "https://a 'unsafe-inline'/", "https://ø/"]
        {
            assert_eq!(origin(none), None, "{none}");
        }
    }
}
