//! What API Gateway hands over (HTTP API, payload format 2.0), as far as intake needs it.

use crate::headers::Headers;
use crate::problem::Problem;
use crate::text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Deref;

/// One event of Lambda. It is read once, and never fails: an event that cannot be read is a request like any other, with an answer.
/// If it failed, anyone could make the function fail, for API Gateway passes on headers of any bytes.
pub struct Event(pub(crate) Option<Request>);

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Request::deserialize(deserializer).ok()))
    }
}

/// A request as it came, not yet believed. Fields that intake does not need are skipped, whatever is in them.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Request {
    #[serde(deserialize_with = "text::string")]
    raw_path: String,
    #[serde(deserialize_with = "text::string")]
    route_key: String,
    #[serde(deserialize_with = "text::map")]
    path_parameters: BTreeMap<String, String>,
    pub(crate) headers: Headers,
    request_context: RequestContext,
    #[serde(deserialize_with = "text::bytes")]
    body: Vec<u8>,
    is_base64_encoded: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RequestContext {
    #[serde(deserialize_with = "text::string")]
    stage: String,
    http: Http,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Http {
    #[serde(deserialize_with = "text::string")]
    method: String,
    #[serde(deserialize_with = "text::string")]
    source_ip: String,
}

/// A body as API Gateway has written it into the event.
pub(crate) struct Encoded {
    body: Vec<u8>,
    is_base64: bool,
}

impl Encoded {
    /// # Errors
    /// It is said to be base64, and is not.
    pub(crate) fn decode(self) -> Result<Body, Problem> {
        if self.is_base64 {
            return STANDARD.decode(self.body).map(Body::Bytes).map_err(|_| Problem::BodyNotBase64);
        }
        Ok(String::from_utf8(self.body).map_or_else(|odd| Body::Bytes(odd.into_bytes()), Body::Text))
    }
}

/// The bytes as they were sent. Text is known to be text, so that nobody has to look again.
pub(crate) enum Body {
    Text(String),
    Bytes(Vec<u8>),
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl Body {
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text(_)) || std::str::from_utf8(self).is_ok()
    }
}

impl Request {
    pub(crate) fn method(&self) -> &str {
        &self.request_context.http.method
    }

    /// As API Gateway saw it. `x-forwarded-for` is the sender's own word.
    pub(crate) fn source_ip(&self) -> Option<IpAddr> {
        let address: IpAddr = self.request_context.http.source_ip.parse().ok()?;
        Some(address.to_canonical())
    }

    /// The path, and where it says more the path without what stands in front of it for the API's sake: the name of a stage, or the
    /// key of a domain's mapping. Both are known, so nothing is guessed.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        [Some(self.raw_path.as_str()), self.path_in_stage(), self.path_in_api()].into_iter().flatten()
    }

    fn path_in_stage(&self) -> Option<&str> {
        let rest = self.raw_path.strip_prefix('/')?.strip_prefix(&self.request_context.stage)?;
        // The default stage stands in no path.
        (rest.starts_with('/') && self.request_context.stage != "$default").then_some(rest)
    }

    /// The part that API Gateway has compared with the route (`ANY /hooks/{proxy+}`). A mapping's key is not a part of it.
    fn path_in_api(&self) -> Option<&str> {
        let (_, template) = self.route_key.split_once(' ')?;
        let literal = template.split('{').next()?;
        let proxy = self.path_parameters.get("proxy").map_or("", |proxy| proxy.trim_end_matches('/'));
        let front = self.raw_path.trim_end_matches('/').strip_suffix(proxy)?.strip_suffix(literal)?;
        self.raw_path.get(front.len()..)
    }

    pub(crate) fn take_body(&mut self) -> Encoded {
        Encoded { body: std::mem::take(&mut self.body), is_base64: self.is_base64_encoded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// As the runtime reads it, which does not look at what follows.
    fn read(event: &str) -> Option<Request> {
        Event::deserialize(&mut serde_json::Deserializer::from_slice(event.as_bytes())).unwrap().0
    }

    fn paths(event: Value) -> Vec<String> {
        read(&event.to_string()).unwrap().paths().map(str::to_owned).collect()
    }

    #[test]
    fn an_event_is_never_an_error() {
        for odd in ["null", "5", "[", "{\"headers\": 5}", r#"{"headers":{"user-agent":"Beno\xEEt"}}"#, ""] {
            assert!(read(odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn what_is_absent_or_null_is_empty() {
        for event in ["{}", r#"{"body":null,"headers":null,"pathParameters":null,"rawPath":null,"other":[{}]}"#] {
            let mut request = read(event).unwrap();
            assert_eq!(
                (request.method(), request.source_ip(), request.paths().collect::<Vec<_>>()),
                ("", None, vec![""])
            );
            assert!(request.take_body().decode().is_ok_and(|body| body.is_empty()), "{event}");
        }
    }

    #[test]
    fn the_stage_in_front_of_a_path_is_known() {
        let with = |stage: &str, path: &str| paths(json!({"rawPath": path, "requestContext": {"stage": stage}}));
        assert_eq!(with("prod", "/prod/hooks/visma/erp"), ["/prod/hooks/visma/erp", "/hooks/visma/erp"]);
        assert_eq!(with("$default", "/hooks/visma/erp"), ["/hooks/visma/erp"]);
        assert_eq!(with("prod", "/production/hooks"), ["/production/hooks"]);
        assert_eq!(with("", "/hooks"), ["/hooks"]);
        assert_eq!(with("$default", "/$default/hooks"), ["/$default/hooks"]);
    }

    #[test]
    fn a_mapping_in_front_of_a_path_is_known_by_the_route() {
        let with = |route: &str, proxy: &str, path: &str| {
            paths(json!({"rawPath": path, "routeKey": route, "pathParameters": {"proxy": proxy}})).pop().unwrap()
        };
        let route = "ANY /hooks/{proxy+}";
        assert_eq!(with(route, "visma/erp", "/erp/hooks/visma/erp"), "/hooks/visma/erp");
        assert_eq!(with(route, "visma/erp", "/erp/hooks/visma/erp/"), "/hooks/visma/erp/");
        assert_eq!(with(route, "visma/erp", "/a/b/hooks/visma/erp"), "/hooks/visma/erp");
        assert_eq!(with("ANY /health", "", "/erp/health"), "/health");
        assert_eq!(with(route, "x/hooks/visma/erp", "/hooks/x/hooks/visma/erp"), "/hooks/x/hooks/visma/erp");
        assert_eq!(with("$default", "visma/erp", "/erp/hooks/visma/erp"), "/erp/hooks/visma/erp");
        assert_eq!(with(route, "other", "/erp/hooks/visma/erp"), "/erp/hooks/visma/erp");
    }
}
