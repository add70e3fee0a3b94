//! The event of API Gateway (HTTP API, payload format 2.0), as far as intake needs it, and the
//! answer to it.

use crate::headers::Headers;
use crate::problem::Problem;
use crate::text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::Response;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Deref;

/// One event of Lambda. Reading it never fails: an unreadable event is a request like any other and
/// gets an answer. Otherwise anyone could make the function fail, since API Gateway passes on
/// headers with any bytes.
pub struct Event(pub(crate) Option<Request>);

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Request::deserialize(deserializer).ok()))
    }
}

/// An unverified request. Reading it skips fields that intake does not need, whatever they contain.
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

/// A body as API Gateway writes it into the event.
pub(crate) struct Encoded {
    body: Vec<u8>,
    is_base64: bool,
}

impl Encoded {
    /// # Errors
    /// The body is marked as base64, but is not.
    pub(crate) fn decode(self) -> Result<Body, Problem> {
        if self.is_base64 {
            return STANDARD.decode(self.body).map(Body::Bytes).map_err(|_| Problem::BodyNotBase64);
        }
        Ok(String::from_utf8(self.body).map_or_else(|odd| Body::Bytes(odd.into_bytes()), Body::Text))
    }
}

/// The bytes as sent. A text is known to be valid UTF-8 and needs no second check.
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

    /// The address that API Gateway saw. A sender can write anything into `x-forwarded-for`.
    pub(crate) fn source_ip(&self) -> Option<IpAddr> {
        let address: IpAddr = self.request_context.http.source_ip.parse().ok()?;
        Some(address.to_canonical())
    }

    /// The path, and the path without its prefix if it has one: the name of a stage, or the key of
    /// a domain's mapping. Both are known from the event.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        [Some(self.raw_path.as_str()), self.path_in_stage(), self.path_in_api()].into_iter().flatten()
    }

    fn path_in_stage(&self) -> Option<&str> {
        let rest = self.raw_path.strip_prefix('/')?.strip_prefix(&self.request_context.stage)?;
        // The default stage adds no prefix.
        (rest.starts_with('/') && self.request_context.stage != "$default").then_some(rest)
    }

    /// The part of the path that API Gateway matched with the route (`ANY /hooks/{proxy+}`). It
    /// excludes a mapping's key.
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

/// The answer for the Lambda runtime, in payload format 2.0. Its body is text or empty.
#[must_use]
pub fn answer(response: Response<lambda_http::Body>) -> ApiGatewayV2httpResponse {
    let (parts, body) = response.into_parts();
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = parts.status.as_u16().into();
    answer.headers = parts.headers;
    answer.body = (!body.is_empty()).then_some(body);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Reads like the runtime, which ignores what follows the event.
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
    fn absent_and_null_fields_are_empty() {
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
    fn removes_the_stage_before_a_path() {
        let with = |stage: &str, path: &str| paths(json!({"rawPath": path, "requestContext": {"stage": stage}}));
        assert_eq!(with("prod", "/prod/hooks/visma/erp"), ["/prod/hooks/visma/erp", "/hooks/visma/erp"]);
        assert_eq!(with("$default", "/hooks/visma/erp"), ["/hooks/visma/erp"]);
        assert_eq!(with("prod", "/production/hooks"), ["/production/hooks"]);
        assert_eq!(with("", "/hooks"), ["/hooks"]);
        assert_eq!(with("$default", "/$default/hooks"), ["/$default/hooks"]);
    }

    #[test]
    fn removes_a_mapping_before_a_path() {
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
