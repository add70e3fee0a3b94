//! How the program reaches a stack: with every kind of profile that the AWS command line accepts,
//! or with `--local`, which finds the stack of `cargo xtask up` and gets a token from it.

use crate::fakes::{Asked, Server};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, fs, process};
use tokio::process::Command;
use visma_webhooks::{Exit, Local};

/// The SHA-1 of `corp`: the name of the file in which `aws sso login` keeps that session.
const CORP: &str = "ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

/// An empty folder for this test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The description that `cargo xtask up` writes.
fn describe(endpoint: &str) -> String {
    json!({
        "endpoint_url": endpoint, "region": "eu-north-1", "api_url": format!("{endpoint}/_aws/execute-api/a/$default"),
        "standin_url": "http://127.0.0.1:2", "stack_name": "webhooks", "ministack_log": "log", "calls": null,
        "outputs": { "ApiUrl": "a.execute-api.localhost", "TableName": "table", "OperationsRepairClient": "id:canary" },
    })
    .to_string()
}

#[test]
fn finds_the_nearest_description_upwards_and_uses_its_address() {
    let root = folder("local-found");
    let below = root.join("infra/cli");
    fs::create_dir_all(&below).unwrap();
    fs::create_dir_all(root.join(".local/up")).unwrap();
    fs::write(root.join(".local/up/stack.json"), describe("http://127.0.0.1:1")).unwrap();
    let local = Local::find(None, &below).unwrap();
    assert_eq!((local.stack_name.as_str(), local.region.as_str()), ("webhooks", "eu-north-1"));
    assert_eq!(local.outputs()["ApiUrl"], "http://127.0.0.1:1/_aws/execute-api/a/$default");
    assert_eq!(local.outputs()["TableName"], "table");
}

#[test]
fn rejects_a_missing_or_empty_description() {
    let root = folder("local-missing");
    fs::write(root.join("stack.json"), "{}").unwrap();
    for named in ["stack.json", "other.json"] {
        let failure = Local::find(Some(root.join(named)), &root).unwrap_err();
        assert!(failure.exit == Exit::NotFound && failure.advice.contains("cargo xtask up"), "{failure}");
    }
}

#[tokio::test]
async fn gets_a_token_with_the_requested_roles_from_the_local_user_pool() {
    let server = Server::start(|_| (200, json!({ "access_token": "tok" }))).await;
    let root = folder("local-token");
    fs::write(root.join("stack.json"), describe(&server.url)).unwrap();
    let local = Local::find(Some(root.join("stack.json")), &root).unwrap();
    assert_eq!(local.token("Repair", &["read", "repair"]).await.unwrap(), "tok");
    let asked = server.asked().remove(0);
    assert_eq!(asked.line, "POST /oauth2/token");
    assert_eq!(asked.body, "grant_type=client_credentials&scope=visma-webhooks%2Fread+visma-webhooks%2Frepair");
    assert_eq!(asked.headers["authorization"], "Basic aWQ6Y2FuYXJ5");
    assert_eq!(local.token("Erase", &["read", "erase"]).await.unwrap_err().exit, Exit::NotFound);
}

#[tokio::test]
async fn reports_a_stopped_stack_with_the_command_to_start_one() {
    let root = folder("local-ended");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fs::write(root.join("stack.json"), describe(&format!("http://{closed}"))).unwrap();
    let local = Local::find(Some(root.join("stack.json")), &root).unwrap();
    let failure = local.token("Repair", &["read"]).await.unwrap_err();
    assert!(failure.what.contains("does not answer") && failure.advice.contains("cargo xtask up"), "{failure}");
}

/// IAM Identity Center gives credentials for a token. All other calls are refused.
fn answer(asked: &Asked) -> (u16, Value) {
    if !asked.line.contains("/federation/credentials") {
        return (403, json!({}));
    }
    let given = asked.headers.get("x-amz-sso_bearer_token").is_some_and(|token| token == "the-token");
    let expiration = 4_102_444_800_000_i64;
    let role = json!({"accessKeyId": "FROMSSO", "secretAccessKey": "s", "sessionToken": "t", "expiration": expiration});
    if given { (200, json!({"roleCredentials": role})) } else { (401, json!({})) }
}

/// The key that signed the call to CloudFormation, and the program's output.
async fn signed_by(profile: &str, home: &Path) -> (Vec<String>, String) {
    let server = Server::start(answer).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_visma-webhooks"));
    command.args(["--stack", "webhooks", "subscriptions", "list"]).env_clear().envs([
        ("HOME", home.to_str().unwrap()),
        ("AWS_PROFILE", profile),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ENDPOINT_URL", &server.url),
        ("AWS_MAX_ATTEMPTS", "1"),
    ]);
    let output = command.stdin(Stdio::null()).output().await.expect("the program starts");
    let signatures = server.asked().into_iter().filter_map(|asked| {
        let header = asked.headers.get("authorization")?.to_str().ok()?.to_owned();
        let (_, credential) = header.split_once("Credential=")?;
        credential.split('/').next().map(str::to_owned)
    });
    (signatures.collect(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn accepts_every_kind_of_profile_of_the_aws_command_line() {
    let home = env::temp_dir().join(format!("visma-webhooks-profiles-{}", process::id()));
    let made = home.join("credentials.json");
    let key = json!({"Version": 1, "AccessKeyId": "FROMPROCESS", "SecretAccessKey": "s", "SessionToken": "t"});
    write(&made, &key.to_string());
    let token = json!({"accessToken": "the-token", "expiresAt": "2099-01-01T00:00:00Z"});
    write(&home.join(".aws/sso/cache").join(CORP), &token.to_string());
    let profiles = format!(
        "[profile keys]\nregion = eu-north-1\naws_access_key_id = FROMKEYS\naws_secret_access_key = s\n\
         [profile process]\nregion = eu-north-1\ncredential_process = /bin/cat {}\n\
         [profile sso]\nregion = eu-north-1\nsso_session = corp\nsso_account_id = 000000000000\nsso_role_name = reader\n\
         [sso-session corp]\nsso_region = eu-north-1\nsso_start_url = https://corp.example/start\n\
         [profile login]\nregion = eu-north-1\nlogin_session = arn:aws:iam::000000000000:user/reader\n",
        made.display()
    );
    write(&home.join(".aws/config"), &profiles);
    for (profile, key) in [("keys", "FROMKEYS"), ("process", "FROMPROCESS"), ("sso", "FROMSSO")] {
        let (signatures, said) = signed_by(profile, &home).await;
        assert_eq!(signatures, [key], "{profile}: {said}");
    }
    // Without an `aws login`, the message must ask for it, and not claim that the program cannot do
    // it.
    let (signatures, said) = signed_by("login", &home).await;
    assert!(signatures.is_empty() && !said.contains("cargo feature"), "{said}");
    fs::remove_dir_all(&home).unwrap();
}
