//! Builds answers for the Lambda runtime.

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::{Body, Response};

/// The answer in payload format 2.0. Its body is text or empty.
#[must_use]
pub fn answer(response: Response<Body>) -> ApiGatewayV2httpResponse {
    let (parts, body) = response.into_parts();
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = parts.status.as_u16().into();
    answer.headers = parts.headers;
    answer.body = (!body.is_empty()).then_some(body);
    answer
}
