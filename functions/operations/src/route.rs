//! What all routes have in common: they check the caller's role and read the request. A handler is
//! left with its own work.
//!
//! axum compiles the extractors of a handler into each handler. Here they are compiled once, and
//! nothing here depends on the handler's type.

use crate::access::{Access, Caller, Roles};
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use axum::RequestPartsExt;
use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Query, Request};
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use lambda_http::Context;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;

/// A request of a caller with the role that the route requires.
pub(crate) struct Asked {
    /// The caller's name.
    pub(crate) by: String,
    /// The same caller, for a handler that requires another role as well.
    pub(crate) caller: Caller,
    /// The variable part of the path: a `ref`, a job's id or a queue. Empty if there is none.
    pub(crate) name: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Makes routes from the handlers.
pub(crate) struct Handlers<P: Ports> {
    operations: Shared<P>,
    roles: Arc<Roles>,
}

impl<P: Ports> Handlers<P> {
    pub(crate) fn new(operations: Operations<P>) -> Self {
        Self { roles: Arc::new(operations.roles.clone()), operations: Arc::new(operations) }
    }

    /// The handler, for callers with this role.
    pub(crate) fn with<F, R>(
        &self,
        access: Access,
        handler: impl Fn(Shared<P>, Asked) -> F + Send + Sync + 'static,
    ) -> Route
    where
        F: Future<Output = Result<R, Problem>> + Send + 'static,
        R: IntoResponse,
    {
        let operations = self.operations.clone();
        let work = move |asked: Asked| -> Pending<Result<Response, Problem>> {
            let working = handler(operations.clone(), asked);
            Box::pin(async move { working.await.map(IntoResponse::into_response) })
        };
        Route { roles: self.roles.clone(), access, work: Arc::new(work) }
    }
}

#[derive(Clone)]
pub(crate) struct Route {
    roles: Arc<Roles>,
    access: Access,
    work: Arc<dyn Fn(Asked) -> Pending<Result<Response, Problem>> + Send + Sync>,
}

impl Route {
    async fn answer(self, request: Request) -> Result<Response, Problem> {
        let (mut parts, body) = request.into_parts();
        let request_id = parts.extensions.get::<Context>().map(|context| context.request_id.clone());
        let caller = Caller::of(&parts.extensions);
        let by = self.roles.admit(&caller, self.access)?;
        let path = parts.extract::<Option<Path<String>>>().await;
        let name = path.map_err(|refusal| Problem::refused(refusal.status()))?.map(|Path(name)| name);
        let Query(query) = Query::try_from_uri(&parts.uri).map_err(|refusal| Problem::refused(refusal.status()))?;
        let body = Bytes::from_request(Request::from_parts(parts, body), &()).await;
        let body = body.map_err(|refusal| Problem::refused(refusal.status()))?;
        let done = (self.work)(Asked { by, caller, name: name.unwrap_or_default(), query, body }).await;
        done.map_err(|problem| problem.logged_under(request_id))
    }
}

impl Handler<(), ()> for Route {
    type Future = Pending<Response>;

    fn call(self, request: Request, (): ()) -> Self::Future {
        Box::pin(async move {
            let answer = AssertUnwindSafe(self.answer(request)).catch_unwind().await;
            // API Gateway writes the text of a panic into its access log.
            let answer = answer.unwrap_or_else(|_| resume_unwind(Box::new(())));
            answer.unwrap_or_else(IntoResponse::into_response)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Authorizer;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use lambda_http::request::RequestContext;
    use serde_json::json;
    use tower::ServiceExt;

    fn bug() -> Result<Response, Problem> {
        panic!("the name of a customer")
    }

    /// The local AWS has no access log.
    #[tokio::test]
    async fn a_panic_ends_the_invocation_without_its_text() {
        let roles = Roles { authorizer: Authorizer::Iam, claims: vec![], prefix: String::new() };
        let work = |_: Asked| -> Pending<Result<Response, Problem>> { Box::pin(async { bug() }) };
        let route = Route { roles: Arc::new(roles), access: Access::Read, work: Arc::new(work) };
        let context = json!({"http": {"method": "GET"}, "authorizer": {"iam": {"userArn": "arn:aws:iam::1:user/x"}}});
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(RequestContext::ApiGatewayV2(serde_json::from_value(context).unwrap()));
        let call = Router::new().route("/", get(route)).oneshot(request);
        let panic = AssertUnwindSafe(call).catch_unwind().await.expect_err("it panics");
        assert!(panic.is::<()>(), "the runtime shows texts only");
    }
}
