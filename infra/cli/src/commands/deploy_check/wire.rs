//! Calls to AWS services of which we need few answers. An SDK for each would take long to compile.

use crate::commands::send::{http, http_to};
use crate::error::Failure;
use crate::signer::Signer;
use aws_config::SdkConfig;
use reqwest::{Request, RequestBuilder};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

/// The domain of each partition, by the prefix of its regions.
const PARTITIONS: [(&str, &str); 3] = [("cn-", "amazonaws.com.cn"), ("eusc-", "amazonaws.eu"), ("", "amazonaws.com")];

pub(super) struct Wire {
    http: reqwest::Client,
    signer: Signer,
    region: String,
    /// A single address for all services, such as that of a local AWS.
    endpoint: Option<String>,
}

impl Wire {
    /// # Errors
    /// No region is set, or TLS cannot be set up.
    pub(super) fn new(aws: &SdkConfig) -> Result<Self, Failure> {
        let region =
            aws.region().ok_or_else(|| Failure::usage("no region is set", "Give --region or set AWS_REGION."))?;
        let endpoint = aws.endpoint_url().map(str::to_owned);
        let http = match endpoint.as_deref().and_then(|url| Url::parse(url).ok()) {
            Some(url) => http_to(&url)?,
            None => http()?,
        };
        Ok(Self { http, signer: Signer::new(aws), region: region.to_string(), endpoint })
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// Whether the service's own address answers, without a signature or permission.
    pub(super) async fn answers(&self, service: &str) -> bool {
        match (&self.endpoint, self.url(service, &[])) {
            (None, Ok(url)) => self.http.get(url).send().await.is_ok(),
            // An answer there proves nothing.
            _ => false,
        }
    }

    /// Calls a service with a REST API.
    pub(super) async fn get(&self, doing: &str, service: &str, path: &[&str]) -> Result<Value, Failure> {
        let request = self.http.get(self.url(service, path)?);
        json(doing, &self.ask(doing, service, request).await?)
    }

    /// Calls a service with a JSON protocol; `operation` has the service's own prefix.
    pub(super) async fn call(
        &self,
        doing: &str,
        service: &str,
        (version, operation): (&str, &str),
        body: &Value,
    ) -> Result<Value, Failure> {
        let request = self.http.post(self.url(service, &[])?).header("x-amz-target", operation);
        let request = request.header("content-type", format!("application/x-amz-json-{version}"));
        json(doing, &self.ask(doing, service, request.body(body.to_string())).await?)
    }

    /// Calls a service with a query protocol, which answers in XML.
    pub(super) async fn query(&self, doing: &str, service: &str, form: &[(&str, &str)]) -> Result<String, Failure> {
        let request = self.http.post(self.url(service, &[])?);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        self.ask(doing, service, request.body(body)).await
    }

    /// Escapes each segment, so that it cannot change the path.
    fn url(&self, service: &str, path: &[&str]) -> Result<Url, Failure> {
        let suffix = PARTITIONS.iter().find(|(begin, _)| self.region.starts_with(begin));
        let suffix = suffix.map(|(_, suffix)| *suffix).unwrap_or_default();
        let own = || format!("https://{service}.{}.{suffix}", self.region);
        let base = self.endpoint.clone().unwrap_or_else(own);
        let unfit = || Failure::usage(format!("{base} is not a URL"), "Check the region and AWS_ENDPOINT_URL.");
        let mut url = Url::parse(&base).map_err(|_| unfit())?;
        url.path_segments_mut().map_err(|()| unfit())?.pop_if_empty().extend(path);
        Ok(url)
    }

    async fn ask(&self, doing: &str, service: &str, request: RequestBuilder) -> Result<String, Failure> {
        let unfit = |_| Failure::usage("the request is not valid", "Check the region and AWS_ENDPOINT_URL.");
        let mut request: Request = request.build().map_err(unfit)?;
        self.signer.sign(&mut request, service).await?;
        let answer = self.http.execute(request).await.map_err(|error| Failure::http(doing, &error))?;
        let status = answer.status();
        let kind = answer.headers().get("x-amzn-errortype").and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let text = answer.text().await.map_err(|error| Failure::http(doing, &error))?;
        if status.is_success() { Ok(text) } else { Err(refusal(doing, status.as_u16(), kind.as_deref(), &text)) }
    }
}

fn json(doing: &str, text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|_| Failure::answered(doing, "an answer that is no JSON", ""))
}

/// `kind` comes from a header: `ResourceNotFoundException:http://...`. A body has
/// `com.amazonaws.logs#ResourceNotFoundException` or a tag.
fn refusal(doing: &str, status: u16, kind: Option<&str>, text: &str) -> Failure {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let kind = kind.or(body["__type"].as_str()).or_else(|| inside(text, "Code")).unwrap_or_default();
    let kind = kind.split(':').next().and_then(|kind| kind.rsplit('#').next()).unwrap_or_default();
    let said = body["message"].as_str().or(body["Message"].as_str()).or_else(|| inside(text, "Message"));
    let code = if kind.is_empty() { status.to_string() } else { kind.to_owned() };
    Failure::answered(doing, &code, said.unwrap_or_default())
}

/// The content of the first tag with this name. Good enough for names and codes, which need no
/// unescaping.
pub(super) fn inside<'a>(xml: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{tag}>"))?;
    Some(rest.split_once(&format!("</{tag}>"))?.0)
}
