//! Authorisation. API Gateway's authoriser identifies the caller; this module checks the role.

use crate::claims::{Held, held};
use crate::problem::Problem;
use axum::http::Extensions;
use lambda_http::request::RequestContext;
use std::collections::HashMap;
use std::fmt;
use webhooks_host::{VariableError, Variables};

/// The role that a route requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads everything except bodies.
    Read,
    /// Reads bodies as they came.
    Raw,
    /// Changes something.
    Repair,
    /// Permanently deletes a tenant's data.
    Erase,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Raw => "raw",
            Self::Repair => "repair",
            Self::Erase => "erase",
        })
    }
}

/// The kind of authoriser in front of the routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorizer {
    /// A token's claim lists the roles.
    Jwt,
    /// IAM policies decide by method and path, so every request that arrives here is allowed.
    Iam,
}

#[derive(Debug, Clone)]
pub struct Roles {
    pub authorizer: Authorizer,
    /// The token's claims that list roles. One of them must have the role.
    pub claims: Vec<String>,
    /// The prefix of a role's name in a claim.
    pub prefix: String,
}

impl Roles {
    /// Reads `AUTHORIZER`, `ROLE_CLAIM` (one name, or several separated by commas) and
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

    /// The caller's name, if the caller has the role.
    ///
    /// # Errors
    /// 401 if no authoriser identified the caller, 403 if the caller does not have the role.
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

/// The caller, as identified by the authoriser.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    by: Option<Authorizer>,
    name: Option<String>,
    claims: HashMap<String, String>,
}

impl Caller {
    pub(crate) fn of(request: &Extensions) -> Self {
        request.get::<RequestContext>().and_then(Self::named).unwrap_or_default()
    }

    fn named(context: &RequestContext) -> Option<Self> {
        let RequestContext::ApiGatewayV2(context) = context else { return None };
        let authorizer = context.authorizer.as_ref()?;
        if let Some(jwt) = &authorizer.jwt {
            // The name is stored in the audit log, so it is never an e-mail address.
            let names = ["sub", "client_id", "azp"].into_iter();
            let name = names.filter_map(|name| jwt.claims.get(name)).find(|name| !name.is_empty()).cloned();
            return Some(Self { by: Some(Authorizer::Jwt), name, claims: jwt.claims.clone() });
        }
        let name = authorizer.iam.as_ref()?.user_arn.clone().filter(|arn| !arn.is_empty());
        Some(Self { by: Some(Authorizer::Iam), name, claims: HashMap::new() })
    }
}
