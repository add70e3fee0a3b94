//! One HTTP request and its answer: all that the client needs of HTTP. The simulation answers here
//! in place of Visma Net.

use crate::error::Fault;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use std::time::Duration;
use url::Url;
use webhooks_settings::Secret;

/// A POST if there is a body, otherwise a GET. It has no `Debug`, since the body holds secrets or
/// a description, which must not be logged.
pub struct Request<'a> {
    pub url: &'a Url,
    /// The bearer token.
    pub token: Option<&'a Secret>,
    pub body: Option<Body>,
    /// How long to wait for the whole answer, the connection included.
    pub timeout: Duration,
}

pub enum Body {
    /// `application/x-www-form-urlencoded`
    Form(String),
    Json(Vec<u8>),
}

pub trait Exchange: Send + Sync {
    type Answer: Answer;

    /// Opens a connection before the first request needs it, if there are connections. Ignores
    /// failures, since the first request reports them.
    fn connect(&self, _base: Url) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// The answer, whatever its status, as soon as its headers are here.
    ///
    /// # Errors
    /// No answer came.
    fn send(&self, request: Request<'_>) -> impl Future<Output = Result<Self::Answer, Fault>> + Send;
}

pub trait Answer: Send {
    fn status(&self) -> StatusCode;

    fn headers(&self) -> &HeaderMap;

    /// The body. Reads no further than `limit` bytes.
    ///
    /// # Errors
    /// The body is longer, or broke off.
    fn body(self, limit: usize) -> impl Future<Output = Result<Vec<u8>, Fault>> + Send;
}

/// `path` below `base`, which may have a path of its own. Only the path of `base` changes, so
/// scheme, host and port stay as configured, whatever `path` contains.
pub(crate) fn join(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use webhooks_model::ResourcePath;

    fn joined(base: &str, path: &str) -> String {
        join(&Url::parse(base).unwrap(), path).into()
    }

    #[test]
    fn a_path_is_put_below_the_base_with_or_without_a_path_of_its_own() {
        assert_eq!(
            joined("https://api.finance.visma.net", "v1/account/1920"),
            "https://api.finance.visma.net/v1/account/1920"
        );
        for base in ["http://127.0.0.1:5000/erp", "http://127.0.0.1:5000/erp/"] {
            assert_eq!(joined(base, "v1/account/1920"), "http://127.0.0.1:5000/erp/v1/account/1920");
        }
    }

    #[test]
    fn percent_encoding_is_left_as_it_is() {
        let path = ResourcePath::parse("v1/customer/%C3%85S%20AS").unwrap().to_string();
        assert_eq!(joined("https://x/erp", &path), "https://x/erp/v1/customer/%C3%85S%20AS");
    }

    #[test]
    fn no_path_changes_the_host() {
        for path in
            ["//evil.example/x", "https://evil.example", "@evil.example", "?a=b", "#x", "\\\\evil.example", ":80"]
        {
            let url = join(&Url::parse("https://erp.example:444").unwrap(), path);
            assert_eq!(
                (url.origin().ascii_serialization().as_str(), url.query()),
                ("https://erp.example:444", None),
                "{path}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_resource_path_never_leaves_the_base(text in "v[123]/(account|SalesOrders)(/[A-Za-z0-9 _.%~-]{1,12}){0,4}") {
            if let Ok(path) = ResourcePath::parse(&text) {
                let url = joined("https://erp.example/erp", &path.to_string());
                prop_assert_eq!(url, format!("https://erp.example/erp/{path}"));
            }
        }
    }
}
