//! API Gateway's event, corrected before `lambda_http` turns it into a request, and the answer in
//! the form that the Lambda runtime accepts.

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_http::http::header::HOST;
use lambda_http::http::uri::PathAndQuery;
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, IntoResponse, LambdaEvent};
use serde::de::{Deserialize, Deserializer};
use serde_json::Value;
use std::future::Future;
use std::pin::Pin;

/// An event with all claims as text. `lambda_http` accepts only text, and would fail the invocation
/// if an emulator sends an array. An array becomes its JSON text, and a null claim is left out.
///
/// Reading it never fails. An event that cannot be read, such as one with odd bytes in a header, is
/// one for `/`, which does not exist. Otherwise anyone who can load the console could make the
/// function fail.
#[derive(Debug)]
pub struct Event(LambdaRequest);

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut event = Value::deserialize(deserializer).unwrap_or_default();
        if let Some(jwt) = event.pointer_mut("/requestContext/authorizer/jwt") {
            let claims = jwt.get_mut("claims").map(Value::take).unwrap_or_default();
            *jwt = serde_json::json!({ "claims": as_text(claims) });
        }
        let nothing = |_| LambdaRequest::ApiGatewayV2(ApiGatewayV2httpRequest::default());
        Ok(Self(serde_json::from_value(event).unwrap_or_else(nothing)))
    }
}

fn as_text(claims: Value) -> serde_json::Map<String, Value> {
    let Value::Object(claims) = claims else { return serde_json::Map::new() };
    let given = claims.into_iter().filter(|(_, value)| !value.is_null());
    let text = |value: Value| if value.is_string() { value } else { Value::String(value.to_string()) };
    // Not collected, for the size of the program (`webhooks_model::sorted`).
    let mut claims = serde_json::Map::new();
    claims.extend(given.map(|(name, value)| (name, text(value))));
    claims
}

/// Removes the host, and replaces a query that is not valid in a URL by an unknown parameter, since
/// `lambda_http` panics on them. Without its query, a list would answer without the filter. A path
/// that is another one as a URL becomes `/`, which does not exist.
#[must_use]
pub fn with_sound_url(event: LambdaEvent<Event>) -> LambdaEvent<LambdaRequest> {
    let LambdaEvent { payload: Event(mut payload), context } = event;
    if let LambdaRequest::ApiGatewayV2(request) = &mut payload {
        request.headers.remove(HOST);
        request.request_context.domain_name = None;
        request.raw_path = request.raw_path.take().map(|path| if is_plain(&path) { path } else { "/".to_owned() });
        let is_sound = |query: &str| format!("/?{query}").parse::<PathAndQuery>().is_ok();
        request.raw_query_string =
            request.raw_query_string.take().map(|query| if is_sound(&query) { query } else { "?".to_owned() });
    }
    LambdaEvent::new(payload, context)
}

/// Whether the path stays the same when `lambda_http` parses it as a URL. Steps such as `..` would
/// lead to a path that the caller's IAM policy may not allow. API Gateway hands over a decoded path.
fn is_plain(path: &str) -> bool {
    let is_step = |segment: &str| matches!(segment.trim(), "." | "..");
    let decoded = path.replace("%2e", ".").replace("%2E", ".");
    !path.contains(|c: char| c == '\\' || c.is_control()) && !decoded.split(['/', '?', '#']).any(is_step)
}

/// Wraps a response whose text is UTF-8. For a bare response, `lambda_http` would detect the
/// character set with 150 KB of tables.
pub struct Answer(pub axum::response::Response);

impl IntoResponse for Answer {
    fn into_response(self) -> Pin<Box<dyn Future<Output = lambda_http::Response<Body>> + Send>> {
        let (parts, body) = self.0.into_parts();
        Box::pin(async {
            let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("the router makes whole bodies");
            let text =
                String::from_utf8(bytes.into()).map_or_else(|error| Body::Binary(error.into_bytes()), Body::Text);
            lambda_http::Response::from_parts(parts, text)
        })
    }
}
