//! Visma Connect's token endpoint for client credentials (docs/visma-net.md#tokens).

use std::time::{Duration, Instant};

use axum::{
    Form, Json, Router,
    extract::{State, rejection::FormRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::{
    fault,
    gate::{answered, arrived},
    protocol::{Endpoint, Fault},
    world::{Shared, Token},
};

const LABEL: &str = "token";
const DEFAULT_SCOPE: &str = "vismanet_erp_service_api:read vismanet_erp_service_api:create \
                             vismanet_erp_service_api:update vismanet_erp_service_api:delete \
                             visma.net.erp.salesorder:read visma.net.erp.salesorder:write";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Request {
    grant_type: String,
    client_id: String,
    client_secret: String,
    scope: String,
    tenant_id: String,
}

pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/connect/token", post(token))
}

async fn token(State(world): State<Shared>, form: Result<Form<Request>, FormRejection>) -> Response {
    let Ok(Form(request)) = form else {
        return refuse("invalid_request");
    };
    let tenant = request.tenant_id.parse::<Uuid>().ok();
    let known = tenant.and_then(|tenant| {
        let fault = world.company(tenant, |company| {
            arrived(company, LABEL);
            company.faults.next(Endpoint::Token)
        });
        Some((tenant, fault.ok()?))
    });
    let fault = known.as_ref().map_or(Fault::Pass, |(_, fault)| fault.clone());
    let tenant = known.map(|(tenant, _)| tenant);
    let response = fault::apply(fault, Endpoint::Token, async { issue(&world, &request, tenant) }).await;
    if let Some(tenant) = tenant {
        answered(&world, tenant, LABEL, &response);
    }
    response
}

fn issue(world: &Shared, request: &Request, tenant: Option<Uuid>) -> Response {
    if request.grant_type != "client_credentials" {
        return refuse("unsupported_grant_type");
    }
    let options = &world.options;
    if (&request.client_id, &request.client_secret) != (&options.client_id, &options.client_secret) {
        return refuse("invalid_client");
    }
    let Some(tenant) = tenant else {
        return refuse("invalid_tenant");
    };
    let scope = match request.scope.trim() {
        "" => DEFAULT_SCOPE,
        scope => scope,
    };
    if !scope.split_whitespace().all(is_known) {
        return refuse("invalid_scope");
    }
    let Ok(lifetime) = world.company(tenant, |company| company.settings.token_lifetime_seconds) else {
        return refuse("invalid_tenant");
    };
    let access_token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let token = Token {
        tenant,
        scope: scope.to_owned(),
        expires: Instant::now() + Duration::from_secs(lifetime),
        revoked: false,
    };
    world.state().tokens.insert(access_token.clone(), token);
    let body = json!({
        "access_token": access_token, "expires_in": lifetime, "token_type": "Bearer", "scope": scope,
    });
    Json(body).into_response()
}

/// Whether the scope belongs to a family of docs/visma-net.md#tokens.
fn is_known(scope: &str) -> bool {
    matches!(
        scope.rsplit_once(':'),
        Some(
            ("vismanet_erp_service_api", "read" | "create" | "update" | "delete")
                | ("visma.net.erp.salesorder", "read" | "write")
        )
    )
}

fn refuse(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}
