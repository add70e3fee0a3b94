//! Who may do what. API Gateway's authoriser has found out who it is; here it is asked what they may.

use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use lambda_http::request::RequestContext;
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
    /// The token's claim that lists roles.
    pub claim: String,
    /// What stands before a role's name in it.
    pub prefix: String,
}

impl Roles {
    /// `AUTHORIZER`, `ROLE_CLAIM` and `ROLE_PREFIX`.
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
        let (claim, prefix): (Result<_, VariableError>, Result<_, VariableError>) =
            (text("ROLE_CLAIM", "scope"), text("ROLE_PREFIX", "visma-webhooks/"));
        Ok(Self { authorizer, claim: claim?, prefix: prefix? })
    }

    /// Who asks, if they may.
    ///
    /// # Errors
    /// 401 when no authoriser has let them in, 403 when they lack the role.
    pub(crate) fn admit(&self, caller: &Caller, access: Access) -> Result<String, Problem> {
        let (Some(name), true) = (&caller.name, caller.by == Some(self.authorizer)) else {
            return Err(Problem::unauthenticated());
        };
        let role = format!("{}{access}", self.prefix);
        let holds = self.authorizer == Authorizer::Iam || caller.claim(&self.claim).iter().any(|own| **own == role);
        if holds { Ok(name.clone()) } else { Err(Problem::forbidden(&role)) }
    }
}

/// Whom the authoriser let in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    by: Option<Authorizer>,
    name: Option<String>,
    claims: Vec<(String, String)>,
}

impl Caller {
    /// The words of a claim. API Gateway writes a list as `[a b]`.
    fn claim(&self, name: &str) -> Vec<&str> {
        let claim = self.claims.iter().find(|(own, _)| own == name);
        let words = claim.map(|(_, value)| value.trim_start_matches('[').trim_end_matches(']')).unwrap_or_default();
        words.split([' ', ',']).filter(|word| !word.is_empty()).collect()
    }

    fn of(context: &RequestContext) -> Option<Self> {
        let RequestContext::ApiGatewayV2(context) = context else { return None };
        let authorizer = context.authorizer.as_ref()?;
        if let Some(jwt) = &authorizer.jwt {
            let claims: Vec<_> = jwt.claims.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            // A name for the record of who did what; never an address.
            let names = ["sub", "client_id", "azp"].into_iter();
            let name = names.filter_map(|name| jwt.claims.get(name)).find(|name| !name.is_empty()).cloned();
            return Some(Self { by: Some(Authorizer::Jwt), name, claims });
        }
        let name = authorizer.iam.as_ref()?.user_arn.clone().filter(|arn| !arn.is_empty());
        Some(Self { by: Some(Authorizer::Iam), name, claims: vec![] })
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<RequestContext>().and_then(Self::of).unwrap_or_default())
    }
}
