//! The Lambda function.

use lambda_http::tower::ServiceExt;
use lambda_http::{Adapter, Error, Request, lambda_runtime};
use operations::{Answer, Authorizer, router, wiring, with_console, with_sound_url};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    webhooks_telemetry::init(std::io::stdout);
    let operations = wiring::operations().inspect_err(|error| tracing::error!("{error}"))?;
    wiring::prepare(&operations).await;
    let console = (operations.roles.authorizer == Authorizer::Jwt).then(|| wiring::console(&operations.roles));
    let routes = with_console(router(operations), console);
    let service = ServiceExt::<Request>::map_response(routes, Answer);
    lambda_runtime::run(Adapter::from(service).map_request(with_sound_url)).await
}
