use crate::Stack;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A user of the operations API.
#[derive(Debug, Clone)]
pub struct Operator {
    stack: Stack,
    token: Option<String>,
}

impl Operator {
    pub const ROLES: [&str; 4] = ["Read", "Raw", "Repair", "Erase"];

    /// The secret of the local user pool's client that has the role.
    pub fn secret(stack: &Stack, role: &str) -> String {
        let client = stack.output(&format!("Operations{role}Client"));
        client.split_once(':').expect("an id and a secret").1.to_owned()
    }

    /// An operator with this role, from a client of the local AWS's user pool.
    pub async fn new(stack: &Stack, role: &str) -> Self {
        let token = Self::token_for(stack, role, &[&role.to_lowercase()]).await;
        Self { stack: stack.clone(), token: Some(token) }
    }

    /// A token with these roles for the client of a role. The client of `Repair` may also have
    /// `read` and `raw`.
    pub async fn token_for(stack: &Stack, client: &str, roles: &[&str]) -> String {
        let client = stack.output(&format!("Operations{client}Client"));
        let scopes: Vec<String> = roles.iter().map(|role| format!("visma-webhooks%2F{role}")).collect();
        let form = format!("grant_type=client_credentials&scope={}", scopes.join("+"));
        let request = stack.http.post(format!("{}/oauth2/token", stack.endpoint_url));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let request = request.header("authorization", format!("Basic {}", STANDARD.encode(client)));
        let answer: Value =
            request.send().await.expect("the user pool answers").json().await.expect("an answer in JSON");
        let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}"));
        token.to_owned()
    }

    /// The token; empty for an operator without one.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    pub fn without_a_token(stack: &Stack) -> Self {
        Self { stack: stack.clone(), token: None }
    }

    /// Status and body of the answer.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.try_ask(method, path, body).await.expect("the API answers")
    }

    /// The same, for an API that may be unreachable.
    pub async fn try_ask(&self, method: &str, path: &str, body: Option<&Value>) -> reqwest::Result<(u16, Value)> {
        let method = method.parse().expect("a method");
        let mut request = self.stack.http.request(method, format!("{}{path}", self.stack.api_url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await.unwrap_or(Value::Null)))
    }
}
