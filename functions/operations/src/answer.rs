//! The answer in the form that the Lambda runtime accepts.

use lambda_http::{Body, IntoResponse};
use std::future::Future;
use std::pin::Pin;

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
