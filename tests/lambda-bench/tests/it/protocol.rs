//! The Runtime API as a function sees it.

use lambda_bench::{News, RuntimeApi};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

const ID: &str = "lambda-runtime-aws-request-id";

struct Caller {
    http: Client,
    base: String,
}

impl Caller {
    fn of(api: &RuntimeApi) -> Self {
        Self { http: Client::new(), base: format!("http://{}/2018-06-01/runtime", api.address()) }
    }

    async fn next(&self) -> Response {
        self.http.get(format!("{}/invocation/next", self.base)).send().await.unwrap()
    }

    async fn post(&self, path: &str, document: &Value) -> StatusCode {
        self.http.post(format!("{}/{path}", self.base)).json(document).send().await.unwrap().status()
    }
}

fn id(response: &Response) -> String {
    response.headers()[ID].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_event_has_the_headers_that_a_runtime_needs() {
    let mut api = RuntimeApi::start("thing").await.unwrap();
    let expected = api.hand_out(r#"{"a":1}"#);
    let response = Caller::of(&api).next().await;
    assert!(matches!(api.news().await, News::Ready { .. }));
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header(ID), expected);
    assert_eq!(header("lambda-runtime-invoked-function-arn"), "arn:aws:lambda:eu-north-1:000000000000:function:thing");
    assert!(header("lambda-runtime-trace-id").starts_with("Root=1-"));
    let deadline: u128 = header("lambda-runtime-deadline-ms").parse().unwrap();
    assert!((1_700_000_000_000..4_000_000_000_000).contains(&deadline), "Unix milliseconds: {deadline}");
    assert_eq!(response.json::<Value>().await.unwrap(), json!({"a": 1}));
}

#[tokio::test]
async fn matches_answers_to_events() {
    let mut api = RuntimeApi::start("thing").await.unwrap();
    let caller = Caller::of(&api);
    let expected = [api.hand_out("1"), api.hand_out("2")];
    for (number, expected) in expected.iter().enumerate() {
        let handed = id(&caller.next().await);
        assert_eq!(handed, *expected);
        assert!(matches!(api.news().await, News::Ready { .. }));
        // The other event's id, and an unknown one.
        for wrong in ["00000000-0000-0000-0000-000000000000", if number == 0 { "" } else { "1" }] {
            let status = caller.post(&format!("invocation/{wrong}/response"), &json!("wrong")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST);
        }
        let path = format!("invocation/{handed}/response");
        assert_eq!(caller.post(&path, &json!(number)).await, StatusCode::ACCEPTED);
        let News::Answered { id, document, .. } = api.news().await else { panic!("not answered") };
        assert_eq!((id, document), (handed, number.to_string().into()));
        // An event can be answered only once.
        assert_eq!(caller.post(&path, &json!(number)).await, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn reports_failures_and_failed_starts_with_their_documents() {
    let mut api = RuntimeApi::start("thing").await.unwrap();
    let caller = Caller::of(&api);
    api.hand_out("{}");
    let handed = id(&caller.next().await);
    assert!(matches!(api.news().await, News::Ready { .. }));
    let failure = json!({"errorMessage": "out of luck", "errorType": "Luck"});
    assert_eq!(caller.post(&format!("invocation/{handed}/error"), &failure).await, StatusCode::ACCEPTED);
    let News::Failed { id, document } = api.news().await else { panic!("not failed") };
    assert_eq!((id, document), (handed, failure.to_string().into()));
    assert_eq!(caller.post("init/error", &failure).await, StatusCode::ACCEPTED);
    let News::CannotStart { document } = api.news().await else { panic!("not told") };
    assert_eq!(document, failure.to_string());
    assert_eq!(caller.post("invocation/next", &failure).await, StatusCode::NOT_FOUND);
}
