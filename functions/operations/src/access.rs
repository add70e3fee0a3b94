//! Who may do what. API Gateway's authoriser has found out who it is; here it is asked what they may.

use crate::claims::{Held, held};
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use lambda_http::request::RequestContext;
use std::collections::HashMap;
use std::fmt;
use webhooks_host::{VariableError, Variables};

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everything but bodies.
    Read,
    /// Bodies as they came.
    Raw,
    /// Whatever changes something.
    Repair,
    /// Deleting a tenant's data for good.
    Erase,
}

impl Access {
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Raw => "raw",
            Self::Repair => "repair",
            Self::Erase => "erase",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which authoriser the routes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorizer {
    /// A token's claim lists the roles.
    Jwt,
    /// IAM policies have decided by method and path, so whoever gets here may.
    Iam,
}

#[derive(Debug, Clone)]
pub struct Roles {
    pub authorizer: Authorizer,
    /// The token's claims that list roles. It is enough that one of them has the role.
    pub claims: Vec<String>,
    /// What stands before a role's name in it.
    pub prefix: String,
}

impl Roles {
    /// `AUTHORIZER`, `ROLE_CLAIM`, which may name several with commas between them, and
    /// `ROLE_PREFIX`.
    ///
    /// # Errors
    /// `AUTHORIZER` is neither `jwt` nor `iam`.
    pub fn from_environment() -> Result<Self, lambda_http::Error> {
        let variables = Variables::of_process();
        let authorizer = match variables.text("AUTHORIZER")?.as_str() {
            "jwt" => Authorizer::Jwt,
            "iam" => Authorizer::Iam,
            _ => return Err("AUTHORIZER must be jwt or iam".into()),
        };
        let text = |name, default: &str| variables.text(name).or_else(|_: VariableError| Ok(default.to_owned()));
        let (claims, prefix): (Result<_, VariableError>, Result<_, VariableError>) =
            (text("ROLE_CLAIM", "scope"), text("ROLE_PREFIX", "visma-webhooks/"));
        let claims = claims?.split(',').map(|claim| claim.trim().to_owned()).collect();
        Ok(Self { authorizer, claims, prefix: prefix? })
    }

    /// Who asks, if they may.
    ///
    /// # Errors
    /// 401 when no authoriser has let them in, 403 when they lack the role.
    pub(crate) fn admit(&self, caller: &Caller, access: Access) -> Result<String, Problem> {
        let (Some(name), true) = (&caller.name, caller.by == Some(self.authorizer)) else {
            return Err(Problem::unauthenticated());
        };
        if self.authorizer == Authorizer::Iam {
            return Ok(name.clone());
        }
        let role = format!("{}{access}", self.prefix);
        let mut unclear = None;
        for claim in &self.claims {
            match caller.claims.get(claim).map_or(Held::No, |text| held(claim, text, &role, &self.prefix)) {
                Held::Yes => return Ok(name.clone()),
                Held::Unclear => unclear = Some(claim),
                Held::No => {}
            }
        }
        Err(unclear.map_or_else(|| Problem::forbidden(&role), |claim| Problem::unclear(&role, claim)))
    }
}

/// Whom the authoriser let in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    by: Option<Authorizer>,
    name: Option<String>,
    claims: HashMap<String, String>,
}

impl Caller {
    fn of(context: &RequestContext) -> Option<Self> {
        let RequestContext::ApiGatewayV2(context) = context else { return None };
        let authorizer = context.authorizer.as_ref()?;
        if let Some(jwt) = &authorizer.jwt {
            // A name for the record of who did what; never an address.
            let names = ["sub", "client_id", "azp"].into_iter();
            let name = names.filter_map(|name| jwt.claims.get(name)).find(|name| !name.is_empty()).cloned();
            return Some(Self { by: Some(Authorizer::Jwt), name, claims: jwt.claims.clone() });
        }
        let name = authorizer.iam.as_ref()?.user_arn.clone().filter(|arn| !arn.is_empty());
        Some(Self { by: Some(Authorizer::Iam), name, claims: HashMap::new() })
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<RequestContext>().and_then(Self::of).unwrap_or_default())
    }
}
