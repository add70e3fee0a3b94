//! What API Gateway hands over, before `lambda_http` makes a request of it.

use lambda_http::LambdaEvent;
use lambda_http::http::header::HOST;
use lambda_http::http::uri::PathAndQuery;
use lambda_http::request::LambdaRequest;

/// The event without its host, and without a query that no URL could have: `lambda_http` panics on those. What the query should have
/// said is then missing, and named in the answer.
#[must_use]
pub fn with_sound_url(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload {
        request.headers.remove(HOST);
        request.request_context.domain_name = None;
        request.raw_query_string =
            request.raw_query_string.take().filter(|query| format!("/?{query}").parse::<PathAndQuery>().is_ok());
    }
    event
}
