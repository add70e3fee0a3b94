//! What API Gateway hands over, before `lambda_http` makes a request of it.

use lambda_http::LambdaEvent;
use lambda_http::http::header::HOST;
use lambda_http::request::LambdaRequest;

/// The event without host and query. Nothing here reads them, and `lambda_http` panics on those it cannot put into a URL, so that
/// anyone could make the function fail.
#[must_use]
pub fn without_url_parts(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload {
        request.headers.remove(HOST);
        request.request_context.domain_name = None;
        request.raw_query_string = None;
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_http::{Context, Request};
    use serde_json::json;

    #[test]
    fn a_host_or_a_query_that_is_no_part_of_a_url_does_no_harm() {
        for (host, query) in [
            ("example", ""),
            ("exa mple<", ""),
            ("example:99999", ""),
            ("", ""),
            ("example", "a=<b>"),
            ("example", "a= b"),
            ("example", "%zz&a=\u{7f}"),
        ] {
            let event = json!({
                "version": "2.0", "rawPath": "/hooks/visma/erp", "rawQueryString": query, "headers": {"host": host},
                "queryStringParameters": {"a": query},
                "requestContext": {
                    "domainName": host, "stage": "$default", "http": {"method": "POST", "sourceIp": "18.202.121.26"},
                },
                "body": "{}", "isBase64Encoded": false,
            });
            let payload: LambdaRequest = serde_json::from_value(event).unwrap();
            let request: Request = without_url_parts(LambdaEvent::new(payload, Context::default())).payload.into();
            assert_eq!((request.uri().path(), &request.body()[..]), ("/hooks/visma/erp", &b"{}"[..]), "{host} {query}");
        }
    }
}
