//! GitHub's workflows: pinned actions, permissions, and the environment that may deploy.

use crate::MAIN;
use repo_checks::{Template, elements, entries, infra, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

/// The only jobs that may write, with their permissions. Writing an `id-token` proves the job's
/// identity.
const WRITING: [(&str, &str, &[&str]); 5] = [
    ("release.yml", "publish", &["attestations", "contents", "id-token"]),
    ("deploy.yml", "dev", &["id-token"]),
    ("deploy.yml", "staging", &["id-token"]),
    ("deploy.yml", "production", &["id-token"]),
    ("deploy-to.yml", "deploy", &["id-token"]),
];

fn workflows() -> Vec<(String, Template)> {
    let files = fs::read_dir(infra().join("../.github/workflows")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    let all: Vec<_> = names.map(|name| (name.clone(), workflow(&name))).collect();
    assert!(all.len() >= 4);
    all
}

fn workflow(name: &str) -> Template {
    Template::read(&format!("../.github/workflows/{name}"))
}

/// Each job's workflow, name and description.
fn jobs() -> Vec<(String, String, Value)> {
    let of = |(file, workflow): (String, Template)| -> Vec<_> {
        entries(workflow.raw("/jobs")).map(|(name, job)| (file.clone(), name.clone(), job.clone())).collect()
    };
    workflows().into_iter().flat_map(of).collect()
}

#[test]
fn every_action_is_pinned_to_a_commit() {
    let mut found = 0;
    for (file, name, job) in jobs() {
        for step in elements(&job["steps"]).into_iter().chain([&job]) {
            let Some(uses) = step["uses"].as_str().filter(|uses| !uses.starts_with("./")) else { continue };
            let commit = uses.split_once('@').map(|(_, commit)| commit).unwrap_or_default();
            let is_commit = commit.len() == 40 && commit.chars().all(|one| one.is_ascii_hexdigit());
            assert!(is_commit, "{file}, {name}: {uses}");
            found += 1;
        }
    }
    assert!(found >= 6);
    for (file, _) in workflows() {
        let text = repo_checks::read(&format!("../.github/workflows/{file}"));
        for line in text.lines().filter(|line| line.contains("uses:") && line.contains('@')) {
            assert!(line.contains(" # v"), "{file} does not say which version this is: {line}");
        }
    }
}

#[test]
fn only_listed_jobs_may_write() {
    for (file, workflow) in workflows() {
        let all = workflow.raw("/permissions");
        assert!(*all == json!({}) || *all == json!({ "contents": "read" }), "{file}: {all}");
    }
    for (file, name, job) in jobs() {
        let writes: BTreeSet<&str> = entries(&job["permissions"])
            .filter(|(_, level)| *level != "read")
            .map(|(permission, _)| permission.as_str())
            .collect();
        let listed = WRITING.iter().find(|(other, job, _)| *other == file && *job == name);
        let allowed: BTreeSet<&str> =
            listed.map(|(_, _, permissions)| permissions.iter().copied().collect()).unwrap_or_default();
        assert!(job["permissions"].is_object() || job["permissions"].is_null(), "{file}, {name}");
        assert_eq!(writes, allowed, "{file}, {name}");
    }
}

/// Otherwise the name of a tag or a branch becomes part of the script.
#[test]
fn no_script_contains_user_input() {
    let mut scripts = 0;
    for (file, name, job) in jobs() {
        for script in elements(&job["steps"]).iter().filter_map(|step| step["run"].as_str()) {
            assert!(!script.contains("${{"), "{file}, {name}: {script}");
            scripts += 1;
        }
    }
    assert!(scripts >= 8);
}

/// The build scripts of dependencies have all permissions of the job.
#[test]
fn only_read_only_jobs_compile() {
    let mut compiling = 0;
    for (file, name, job) in jobs() {
        let compiles = elements(&job["steps"]).iter().any(|step| {
            step["run"].as_str().is_some_and(|script| script.contains("cargo xtask") || script.contains(".ci/run"))
        });
        compiling += usize::from(compiles);
        let writes = entries(&job["permissions"]).any(|(_, level)| level == "write");
        assert!(!(compiles && writes), "{file}, {name}");
    }
    assert_eq!(compiling, 4);
}

/// The names and versions of a requirements file. pip does not distinguish `_`, `.` and `-` in names.
fn pinned(file: &str) -> BTreeSet<(String, String)> {
    let text = repo_checks::read(file);
    let lines = text.lines().filter_map(|line| line.split(' ').next()?.split_once("=="));
    let pinned = lines.map(|(name, version)| (name.to_lowercase().replace(['_', '.'], "-"), version.to_owned()));
    pinned.collect()
}

/// The registry could hand out another archive of the same version, and a build script could do
/// what the job may do.
#[test]
fn a_job_that_may_write_installs_only_known_archives() {
    let mut installing = 0;
    for (file, name, job) in
        jobs().into_iter().filter(|(.., job)| entries(&job["permissions"]).any(|(_, level)| level == "write"))
    {
        for script in elements(&job["steps"]).iter().filter_map(|step| step["run"].as_str()) {
            if script.contains("pip install") {
                let known = script.contains("--require-hashes") && script.contains("--only-binary :all:");
                assert!(known && script.contains("requirements-sam.txt"), "{file}, {name}: {script}");
                installing += 1;
            }
        }
    }
    assert_eq!(installing, 1);
    assert_eq!(pinned("local/requirements-sam.txt"), pinned("local/requirements-lint.txt"));
    let known = repo_checks::read("local/requirements-sam.txt");
    for line in known.lines().filter(|line| !line.starts_with('#')) {
        let hash = line.split_once(" --hash=sha256:").map(|(_, hash)| hash).unwrap_or_default();
        assert!(hash.len() == 64 && hash.chars().all(|one| one.is_ascii_hexdigit()), "{line}");
    }
}

#[test]
fn a_release_reaches_production_through_dev_and_staging() {
    let deploy = workflow("deploy.yml");
    let stages = ["dev", "staging", "production"];
    assert_eq!(entries(deploy.raw("/jobs")).count(), stages.len());
    for (before, stage) in [None, Some("dev"), Some("staging")].into_iter().zip(stages) {
        let job = &deploy.raw("/jobs")[stage];
        assert_eq!((&job["needs"], &job["with"]["environment"]), (&json!(before), &json!(stage)));
    }
    let job = workflow("deploy-to.yml").raw("/jobs/deploy").clone();
    assert_eq!(job["environment"], "${{ inputs.environment }}", "approvals belong to the environment");
    let allowed = json!(stages);
    let stage = Template::read(MAIN).raw("/Parameters/DeploymentStage/AllowedValues").clone();
    let environment = Template::read("deployer.yaml").raw("/Parameters/Environment/AllowedValues").clone();
    assert_eq!([&stage, &environment], [&allowed, &allowed]);
    for stage in stages {
        assert!(!crate::guide::overrides(&repo_checks::read("samconfig.toml"), stage).is_empty(), "{stage}");
    }
}

#[test]
fn only_the_named_environment_and_repository_may_deploy() {
    let deployer = Template::read("deployer.yaml");
    let role = deployer.raw("/Resources/DeployRole/Properties");
    let [trust] = &elements(&role["AssumeRolePolicyDocument"]["Statement"])[..] else { panic!("one is trusted") };
    assert_eq!(trust["Action"], "sts:AssumeRoleWithWebIdentity");
    let whose = json!({"StringEquals": {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": {"Fn::Sub": "repo:${Repository}:environment:${Environment}"},
    }});
    assert_eq!(trust["Condition"], whose);
    let policies = elements(&role["Policies"]);
    let statements: Vec<_> =
        policies.iter().flat_map(|policy| elements(&policy["PolicyDocument"]["Statement"])).collect();
    for statement in &statements {
        let anything = elements(&statement["Resource"]).into_iter().any(|one| one == "*");
        let any_action = elements(&statement["Action"]).into_iter().any(|one| text(one).contains('*'));
        assert!(!anything && !any_action, "{statement}");
    }
    let starts = |statement: &&&Value| {
        statement["Action"] == "cloudformation:CreateChangeSet" && text(&statement["Resource"]).contains(":stack/")
    };
    let start = statements.iter().find(starts).expect("it starts deployments");
    let by_its_role = json!({"StringEquals": {"cloudformation:RoleArn": {"Fn::GetAtt": "ExecutionRole.Arn"}}});
    assert_eq!(start["Condition"], by_its_role, "a template must not do more than the role of CloudFormation");
}

/// Whether CloudFormation's role may do this to the resource, on no condition.
fn cloudformation_may(action: &str, resource: &str) -> bool {
    let deployer = Template::read("deployer.yaml");
    let policies = deployer.resources("AWS::IAM::RolePolicy");
    let allows = |statement: &Value| {
        statement.get("Condition").is_none()
            && elements(&statement["Action"]).into_iter().any(|one| one == action)
            && elements(&statement["Resource"]).into_iter().any(|one| text(&one["Fn::Sub"]).ends_with(resource))
    };
    policies.iter().any(|(_, policy)| elements(&policy["PolicyDocument"]["Statement"]).into_iter().any(allows))
}

/// CloudFormation deploys a nested stack with the role that it has itself, and AWS asks whether it
/// may pass it.
#[test]
fn cloudformation_may_pass_its_own_role_to_nested_stacks_only() {
    let deployer = Template::read("deployer.yaml");
    let policies = deployer.resources("AWS::IAM::RolePolicy");
    let own = json!([{"Fn::Sub": "${ExecutionRole.Arn}"}]);
    let statements = policies.iter().flat_map(|(_, policy)| elements(&policy["PolicyDocument"]["Statement"]));
    let of_own: Vec<&Value> = statements.filter(|statement| statement["Resource"] == own).collect();
    let [statement] = of_own.as_slice() else { panic!("{of_own:?}") };
    let nested = json!({"StringEquals": {"iam:PassedToService": ["cloudformation.amazonaws.com"]}});
    assert_eq!((&statement["Action"], &statement["Condition"]), (&json!(["iam:PassRole"]), &nested));
}

/// CloudFormation gives them the tags of samconfig.toml. For these types IAM asks for actions of
/// their own, which have no condition about the service.
#[test]
fn cloudformation_may_tag_stages_and_scalable_targets() {
    for action in ["TagResource", "UntagResource"] {
        for stage in ["::/apis/*/stages", "::/apis/*/stages/*"] {
            assert!(cloudformation_may(&format!("apigateway:{action}"), stage), "{action} {stage}");
        }
    }
    for action in ["ListTagsForResource", "TagResource", "UntagResource"] {
        let action = format!("application-autoscaling:{action}");
        assert!(cloudformation_may(&action, ":scalable-target/*"), "{action}");
    }
}

/// Lambda asks for it when a function gets a layer, also for the layer of a vendor's account.
#[test]
fn cloudformation_may_give_functions_the_layers_of_other_accounts() {
    assert!(cloudformation_may("lambda:GetLayerVersion", ":*:layer:*"));
}
