//! Authorisation. API Gateway's authoriser identifies the caller; this module checks the role,
//! which a claim of the token lists.

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

/// Claims that list words separated by blanks, according to their standards (RFC 8693 4.2, RFC 9068
/// 2.2.3; `scp` is Microsoft's and Okta's name for it). In any other claim a blank is a part of a
/// name.
const OF_WORDS: [&str; 2] = ["scope", "scp"];

/// Whether a claim has a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Yes,
    No,
    /// The claim contains the role's name, but it may be a part of another name.
    Unclear,
}

/// Looks for `role` among the whole elements of a claim: those of a JSON array, those of API
/// Gateway's `[a b]`, or the one text.
///
/// API Gateway writes the list `["a", "b c"]` as `[a b c]`, which does not show where a name ends.
/// Such a list is trusted only if every word begins with `prefix`: then each word is a role of this
/// API, and these roles have no blank in their names.
fn held(claim: &str, text: &str, role: &str, prefix: &str) -> Held {
    let is_of_words = OF_WORDS.contains(&claim);
    if let Ok(elements) = serde_json::from_str::<Vec<serde_json::Value>>(text) {
        return certain(elements.iter().any(|element| element == role));
    }
    let Some(list) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) else {
        return certain(if is_of_words { text.split(' ').any(|word| word == role) } else { text == role });
    };
    let mut words = list.split(' ').filter(|word| !word.is_empty());
    match (words.clone().any(|word| word == role), is_of_words || words.all(|word| word.starts_with(prefix))) {
        (false, _) => Held::No,
        (true, true) => Held::Yes,
        (true, false) => Held::Unclear,
    }
}

fn certain(holds: bool) -> Held {
    if holds { Held::Yes } else { Held::No }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;
    use std::process::Command;

    /// The next test runs this one with other variables, and reads its output.
    #[test]
    fn the_roles_of_this_process() {
        let roles = Roles::from_environment();
        println!("{}", roles.map_or_else(|error| error.to_string(), |roles| format!("{roles:?}")));
    }

    #[test]
    fn reads_the_authoriser_and_the_claims_from_the_environment() {
        for (authorizer, expected) in [
            ("jwt", r#"Roles { authorizer: Jwt, claims: ["scope", "roles"], prefix: "hooks/" }"#),
            ("iam", r#"Roles { authorizer: Iam, claims: ["scope", "roles"], prefix: "hooks/" }"#),
            ("none", "AUTHORIZER must be jwt or iam"),
        ] {
            let mut command = Command::new(env::current_exe().unwrap());
            command.args(["--exact", "access::tests::the_roles_of_this_process", "--nocapture"]);
            command.envs([("AUTHORIZER", authorizer), ("ROLE_CLAIM", "scope, roles"), ("ROLE_PREFIX", "hooks/")]);
            let printed = String::from_utf8(command.output().unwrap().stdout).unwrap();
            assert!(printed.contains(expected), "{authorizer}: {printed}");
        }
    }

    fn erase(claim: &str, text: &str) -> Held {
        held(claim, text, "visma-webhooks/erase", "visma-webhooks/")
    }

    #[test]
    fn a_role_counts_as_a_whole_element_only() {
        for text in [
            "visma-webhooks/erase",
            "[visma-webhooks/erase]",
            "[visma-webhooks/read visma-webhooks/erase]",
            r#"["viewer","visma-webhooks/erase"]"#,
            r#"["a b","visma-webhooks/erase"]"#,
        ] {
            assert_eq!(erase("roles", text), Held::Yes, "{text}");
        }
        for text in [
            "",
            "[]",
            "null",
            "visma-webhooks/erase team",
            "viewer visma-webhooks/erase",
            "visma-webhooks/erases",
            "[visma-webhooks/read visma-webhooks/erases]",
            r#"["visma-webhooks/erase team"]"#,
            r#"["viewer,visma-webhooks/erase"]"#,
            "[viewer,visma-webhooks/erase]",
        ] {
            assert_eq!(erase("roles", text), Held::No, "{text}");
        }
    }

    #[test]
    fn a_name_with_a_blank_is_never_split_into_another() {
        for text in ["[viewer visma-webhooks/erase team]", "[visma-webhooks/erase team]", "[my visma-webhooks/erase]"] {
            assert_eq!(erase("cognito:groups", text), Held::Unclear, "{text}");
        }
    }

    #[test]
    fn a_scope_is_words_in_whichever_form() {
        for claim in ["scope", "scp"] {
            for text in
                ["openid visma-webhooks/erase", "[openid visma-webhooks/erase]", r#"["openid","visma-webhooks/erase"]"#]
            {
                assert_eq!(erase(claim, text), Held::Yes, "{claim} {text}");
            }
            assert_eq!(erase(claim, "openid"), Held::No);
        }
    }
}
