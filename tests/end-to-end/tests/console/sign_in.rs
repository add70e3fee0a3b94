use crate::console::{Console, credentials};
use end_to_end::{Operator, Stack, until};
use serde_json::json;

/// Lets the session expire, and follows a link before the API has refused the token.
const EXPIRE: &str = "
    const kept = JSON.parse(sessionStorage.getItem('console.session'));
    sessionStorage.setItem('console.session', JSON.stringify({ ...kept, expires: 1 }));
    location.hash = '#/pauses';";

/// Keeps back the configuration until `answered` is called, which ends a moment later.
const KEEP_BACK: &str = "
    const real = window.fetch;
    window.fetch = async (url, options) => {
        if (String(url).endsWith('/config.json')) await new Promise((go) => {
            window.answered = () => { go(); return new Promise((end) => setTimeout(end, 300)); };
        });
        return real(url, options);
    };";

/// Refuses the configuration, as API Gateway does when too many people load it.
const REFUSED: &str = "
    const real = window.fetch;
    window.fetch = async (url, options) => (String(url).endsWith('/config.json')
        ? new Response(JSON.stringify({ message: 'Too Many Requests' }), { status: 429 }) : real(url, options));";

#[tokio::test]
async fn a_person_signs_in_at_the_issuer_and_out_again() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    let browser = &console.browser;
    browser.was_content().await;
    browser.script("location.hash = '#/pauses'", vec![]).await;
    browser.press("Sign in").await;
    let (name, password) = credentials(&stack);
    browser.sees("input[name=username]").await.send_keys(name).await.unwrap();
    browser.sees("input[name=password]").await.send_keys(password).await.unwrap();
    browser.sees("button[type=submit]").await.click().await.unwrap();

    browser.reads("h1", "Pauses").await;
    assert_eq!(browser.texts("#who .name").await, [name]);
    assert_eq!(browser.texts("#who .roles").await, ["read · raw · repair"]);
    let address = browser.address().await;
    assert_eq!((address.query(), address.fragment()), (None, Some("/pauses")), "the code is gone, the place is back");
    let kept = browser
        .script("return [Object.keys(sessionStorage).sort(), localStorage.length, document.cookie]", vec![])
        .await;
    assert_eq!(kept, json!([["console.session"], 0, ""]), "the token is in this tab only");

    browser.press("Sign out").await;
    browser.reads("h1", "Sign in").await;
    let session = browser.script("return sessionStorage.getItem('console.session')", vec![]).await;
    assert_eq!(session, serde_json::Value::Null, "the token is gone; the filter may stay");
}

#[tokio::test]
async fn a_new_tab_is_signed_in_and_who_signs_out_does_so_in_every_tab() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    let browser = &console.browser;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    let first = browser.driver.get("window").await.unwrap();
    browser.new_tab().await;
    browser.go(&format!("{}#/pauses", console.url)).await;
    browser.reads("h1", "Pauses").await;
    assert_eq!(browser.texts("#who .roles").await, ["read"]);

    browser.press("Sign out").await;
    browser.reads("h1", "Sign in").await;
    browser.driver.post("window", json!({"handle": first})).await.unwrap();
    browser.reads("[role=alert]", "You have signed out in another tab.").await;
    let kept = browser.script("return sessionStorage.getItem('console.session')", vec![]).await;
    assert_eq!(kept, serde_json::Value::Null);
    // A view that is still drawn asks for names after the session has ended.
    let module = json!(format!("{}/tenants.js", console.url));
    let names = browser.script("return import(arguments[0]).then((own) => own.directory())", vec![module]).await;
    assert_eq!(names, json!([]));
    browser.was_content().await;
}

/// A tab whose page is left hears nothing, like one that the browser has discarded.
#[tokio::test]
async fn a_tab_that_sleeps_while_a_person_signs_out_wakes_signed_out() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    let browser = &console.browser;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    browser.reads("h1", "Overview").await;
    let first = browser.driver.get("window").await.unwrap();
    browser.new_tab().await;
    browser.go(&console.url).await;
    browser.reads("h1", "Overview").await;
    let second = browser.driver.get("window").await.unwrap();
    browser.driver.post("window", json!({"handle": first})).await.unwrap();
    browser.go("about:blank").await;
    browser.driver.post("window", json!({"handle": second})).await.unwrap();
    browser.press("Sign out").await;
    browser.reads("h1", "Sign in").await;

    browser.driver.post("window", json!({"handle": first})).await.unwrap();
    browser.go(&console.url).await;
    browser.reads("h1", "Sign in").await;
    let kept = browser.script("return sessionStorage.getItem('console.session')", vec![]).await;
    assert_eq!(kept, serde_json::Value::Null);
    browser.was_content().await;
}

#[tokio::test]
async fn a_tab_that_answers_late_signs_in_for_good() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    let browser = &console.browser;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    let kept = browser.script("return sessionStorage.getItem('console.session')", vec![]).await;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": KEEP_BACK})).await;
    // The page that ends asks no more, since the API would refuse it without a token.
    let reload = "window.fetch = () => new Promise(() => {}); sessionStorage.clear(); location.reload()";
    browser.script(reload, vec![]).await;
    until("the configuration to be kept back", async || {
        let held = browser.driver.execute("return typeof window.answered", vec![]).await.ok()?;
        (held == "function").then_some(())
    })
    .await;
    let answer = "new BroadcastChannel('console.session').postMessage(JSON.parse(arguments[0]))";
    browser.script(answer, vec![kept]).await;
    browser.reads("h1", "Overview").await;
    browser.script("return window.answered()", vec![]).await;
    assert_eq!(browser.texts("h1").await, ["Overview"]);
    browser.was_content().await;
}

#[tokio::test]
async fn a_person_whose_session_has_expired_is_told_so() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    console.browser.reads("h1", "Overview").await;
    console.browser.script(EXPIRE, vec![]).await;
    console.browser.reads("[role=alert]", "Your session has ended.").await;
}

/// Lets the session expire when another person's tab tells its own. No answer comes in between.
const TAKE_OVER: &str = "
    window.fetch = () => new Promise(() => {});
    const kept = JSON.parse(sessionStorage.getItem('console.session'));
    sessionStorage.setItem('console.session', JSON.stringify({ ...kept, expires: 1 }));
    new BroadcastChannel('console.session')
        .postMessage({ ...kept, token: 'other', name: 'Another' });";

#[tokio::test]
async fn the_header_names_the_person_whose_session_a_tab_takes_over() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    let browser = &console.browser;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    browser.reads("h1", "Overview").await;
    browser.script(TAKE_OVER, vec![]).await;
    browser.reads("#who .name", "Another").await;
    browser.was_content().await;
}

/// Refuses a request when another session has begun, and returns whether that one goes on.
const LATE: &str = "
    return import(arguments[0]).then(({ get }) => {
        const other = JSON.stringify({ ...JSON.parse(sessionStorage.getItem('console.session')), token: 'newer' });
        window.fetch = async (_, { headers }) => {
            if (headers.authorization === 'Bearer newer') return new Promise(() => {});
            sessionStorage.setItem('console.session', other);
            return new Response('{}', { status: 401 });
        };
        return get('counts').catch(() => sessionStorage.getItem('console.session') === other);
    })";

#[tokio::test]
async fn a_late_refusal_of_an_earlier_session_does_not_end_a_new_one() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    let browser = &console.browser;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    browser.reads("h1", "Overview").await;
    let goes_on = browser.script(LATE, vec![json!(format!("{}/api.js", console.url))]).await;
    assert_eq!(goes_on, json!(true));
    browser.was_content().await;
}

#[tokio::test]
async fn a_person_who_pastes_a_token_is_not_disturbed() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    let browser = &console.browser;
    browser.press("Use a token").await;
    browser.fill("Token", "half of it").await;
    browser.script("new BroadcastChannel('console.session').postMessage('out')", vec![]).await;
    browser.script("return new Promise((end) => setTimeout(end, 300))", vec![]).await;
    assert_eq!(browser.script("return document.querySelector('[name=token]').value", vec![]).await, "half of it");
    browser.was_content().await;
}

#[tokio::test]
async fn without_a_network_the_console_says_so() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    let browser = &console.browser;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    browser.reads("h1", "Overview").await;
    let network =
        |offline: bool| json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
    browser.devtools("Network.enable", json!({})).await;
    browser.devtools("Network.emulateNetworkConditions", network(true)).await;
    // The file of this view has not been loaded yet.
    browser.script("location.hash = '#/observed'", vec![]).await;
    browser.reads("[role=alert]", "The console cannot be reached. Is there a network?").await;
    assert!(!browser.texts("[role=alert]").await.concat().contains("newer version"));
    browser.devtools("Network.emulateNetworkConditions", network(false)).await;
    browser.press("Reload").await;
    browser.reads("h1", "Observed").await;
    browser.sees("#header").await;
    browser.devtools("Network.emulateNetworkConditions", network(true)).await;
    browser.press("Sign out").await;
    browser.reads("h1", "Sign in").await;
}

#[tokio::test]
async fn an_unrequested_answer_does_not_sign_in() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    let browser = &console.browser;
    browser.go(&format!("{}?code=stolen&state=guessed", console.url)).await;
    browser.reads("[role=alert]", "This sign-in was not begun here.").await;
    let left = r#"sessionStorage.setItem("console.sign-in", JSON.stringify({state: "own", nonce: "n", verifier: "v", endpoint: "/", hash: ""}))"#;
    browser.script(left, vec![]).await;
    browser.go(&format!("{}?code=stolen&state=other", console.url)).await;
    browser.reads("[role=alert]", "This sign-in was not begun here.").await;
    assert_eq!(browser.script("return [sessionStorage.length, location.search]", vec![]).await, json!([0, ""]));
    browser.was_content().await;
}

#[tokio::test]
async fn refuses_invalid_tokens_and_asks_to_sign_in_after_expiry() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    let browser = &console.browser;
    browser.press("Use a token").await;
    browser.fill("Token", "not a token").await;
    browser.press("Use this token").await;
    browser.reads("[role=alert]", "This is not a token").await;

    let token = Operator::new(&stack, "Read").await.token().to_owned();
    browser.was_content().await;
    // The signature belongs to another token. The page cannot know this, but the API does.
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let forged: String = signature.chars().rev().collect();
    browser.fill("Token", &format!("{signed}.{forged}")).await;
    browser.press("Use this token").await;
    browser.reads("[role=alert]", "Your session has ended.").await;
    assert_eq!(
        browser.script("return sessionStorage.getItem('console.session')", vec![]).await,
        serde_json::Value::Null
    );
    without_its_configuration(&console).await;
}

async fn without_its_configuration(console: &Console) {
    console.browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": REFUSED})).await;
    console.browser.go(&console.url).await;
    console.browser.reads("[role=alert]", "The console's configuration cannot be read.").await;
}
