//! Every kind of profile that the AWS command line accepts works here, too.

use crate::server::{Asked, Server};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::{env, fs, process};
use tokio::process::Command;

/// The SHA-1 of `corp`: the name of the file in which `aws sso login` keeps that session.
const CORP: &str = "ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

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
