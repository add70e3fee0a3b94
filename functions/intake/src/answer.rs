//! An answer as the runtime takes it.

use lambda_http::{Body, IntoResponse, Response};
use std::future::{Future, ready};
use std::pin::Pin;

/// Its body is text already. Of a bare `Response`, `lambda_http` would look for the character set, with 150 KB of tables.
pub struct Answer(pub Response<Body>);

impl IntoResponse for Answer {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(ready(self.0))
    }
}
