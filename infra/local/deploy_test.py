"""Deploys code to the local AWS with `cargo lambda deploy`, like to the real one, rolls it back,
and deploys the template again.

As in infra/DEPLOY.md. WEBHOOKS_STACK names the stack's description; the endpoint, the region and
the credentials come from the environment (AWS_*), and cargo-lambda from PATH.
"""

import argparse
import copy
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import boto3
import botocore.exceptions
import emf
from deploy import upload_template

# The fields of an answer that identify the code, or the result of its last change.
ABOUT_THE_CODE = ("Code", "Version", "RevisionId", "LastModified", "LastUpdate", "State", "LastProcessingResult", "ResponseMetadata")
# More than the local stack sends at once (README.md), so that it changes nothing here.
RESERVED_CONCURRENCY = 60

cloudformation = boto3.client("cloudformation")
functions = boto3.client("lambda")
logs = boto3.client("logs")


def main():
    arguments = parse_arguments()
    stack = json.loads(pathlib.Path(os.environ["WEBHOOKS_STACK"]).read_text())
    intake = stack["outputs"]["IntakeFunctionName"]
    feedback = stack["outputs"]["FeedbackFunctionName"]
    health = stack["api_url"] + "/health"
    # `sam deploy` publishes no version, so this publishes one to roll back to.
    first = functions.publish_version(FunctionName=intake)
    # By default the template reserves nothing, so there would be nothing to lose.
    functions.put_function_concurrency(FunctionName=intake, ReservedConcurrentExecutions=RESERVED_CONCURRENCY)
    first_archive = archive(intake)
    before = {name: settings(stack, name) for name in (intake, feedback)}
    show(f"{intake}: version {first['Version']}, code {first['CodeSha256'][:12]}, health {answer(health)}")

    second = cargo_lambda_deploy(intake, "--binary-name", "intake")
    check("a new version is published", second["Version"] != first["Version"])
    check("its code is another", second["CodeSha256"] != first["CodeSha256"])
    check("it is the code that runs", second["CodeSha256"] == code(intake))
    second_archive = archive(intake)
    check_settings(before[intake], settings(stack, intake))

    # A queue invokes this function, so there is a mapping to lose.
    with tempfile.TemporaryDirectory() as folder:
        # cargo-lambda writes its archive beside the program.
        program = shutil.copy(arguments.binaries / "feedback", folder)
        cargo_lambda_deploy(feedback, "--binary-path", program)
    check("it has a mapping", before[feedback]["mappings"] != [])
    check_settings(before[feedback], settings(stack, feedback))

    show("The demo, on the new code")
    demo = subprocess.run([arguments.binaries / "demo"], stdout=subprocess.PIPE, text=True)
    check("it accounts for every notification", demo.returncode == 0, demo.stdout)
    show(next(line for line in demo.stdout.splitlines() if line.startswith("Notifications sent")))
    check_metrics(stack["outputs"])

    with tempfile.TemporaryDirectory() as folder:
        program = shutil.copy(shutil.which("false"), pathlib.Path(folder, "broken"))
        cargo_lambda_deploy(intake, "--binary-path", program)
    check("a broken program is live", answer(health) >= 500)
    roll_back(intake, second["Version"], second_archive)
    check("the version before is live again", answer(health) == 200 and code(intake) == second["CodeSha256"])
    check_settings(before[intake], settings(stack, intake))
    roll_back(intake, first["Version"], first_archive)
    check("so is the first one", answer(health) == 200 and code(intake) == first["CodeSha256"])
    check_settings(before[intake], settings(stack, intake))

    check_template_deployments(stack["stack_name"], intake, first, first_archive, second, second_archive)

    cargo_lambda_deploy(intake, "--binary-name", "intake", "--env-var", "ADDED_BY_HAND=1")
    environment = settings(stack, intake)["configuration"]["Environment"]["Variables"]
    check("a variable given to cargo-lambda is added", environment.pop("ADDED_BY_HAND", None) == "1")
    check("and replaces none", environment == before[intake]["configuration"]["Environment"]["Variables"])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", type=pathlib.Path, required=True, help="folder with the programs cargo built")
    return parser.parse_args()


def check_metrics(outputs):
    """CloudWatch accepts every metric that the functions have written."""
    for name in ("Intake", "Processor", "Feedback"):
        group = outputs[f"{name}LogGroup"]
        events = logs.filter_log_events(logGroupName=group, filterPattern='"CloudWatchMetrics"')["events"]
        lines = [line for event in events for line in emf.metric_lines(event["message"])]
        wrong = [f"{line}: {complaint}" for line in lines for complaint in emf.complaints(line)]
        check(f"{name}'s {len(lines)} lines of metrics are as AWS specifies them", lines and not wrong, "\n".join(wrong))


def cargo_lambda_deploy(name, *arguments):
    """Deploys, and returns the configuration of the published version."""
    command = ["cargo", "lambda", "deploy", *arguments, "--output-format", "json", name]
    show(" ".join(map(str, command)))
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    # It prints its progress before the JSON.
    version = json.loads(output[output.index("{") :])["version"]
    wait(name)
    return functions.get_function_configuration(FunctionName=name, Qualifier=version)


def check_template_deployments(stack_name, intake, first, first_archive, second, second_archive):
    """A hotfix survives another deployment of the build that CloudFormation knows, and ends with a
    new build.
    """
    template = cloudformation.get_template(StackName=stack_name, TemplateStage="Original")["TemplateBody"]
    template = template if isinstance(template, dict) else json.loads(template)
    roll_back(intake, second["Version"], second_archive)
    check("a deployment of the same build has nothing to do", not deploy_template(stack_name, template))
    check("and the repair stays", code(intake) == second["CodeSha256"])

    described = copy.deepcopy(template)
    described["Resources"]["IntakeFunction"]["Properties"]["Description"] = "Another description."
    check("one that changes the template alone is made", deploy_template(stack_name, described))
    check("and the repair stays again", code(intake) == second["CodeSha256"])

    # The SAM CLI names an archive by its content, so another build has another name.
    rebuilt = copy.deepcopy(template)
    uri = rebuilt["Resources"]["IntakeFunction"]["Properties"]["CodeUri"]
    uri["Key"] = "intake-of-another-build"
    boto3.client("s3").put_object(Bucket=uri["Bucket"], Key=uri["Key"], Body=first_archive)
    check("one of another build is made", deploy_template(stack_name, rebuilt))
    check("and brings its code, so the repair is gone", code(intake) == first["CodeSha256"])
    check("the same build again has nothing to do", not deploy_template(stack_name, rebuilt))
    check("and what was deployed by the template holds", code(intake) == first["CodeSha256"])


def deploy_template(stack_name, template):
    """Deploys like `sam deploy`. Returns False if nothing has changed."""
    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    try:
        cloudformation.update_stack(
            StackName=stack_name,
            TemplateURL=upload_template(template),
            Parameters=[{"ParameterKey": one["ParameterKey"], "UsePreviousValue": True} for one in stack["Parameters"]],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except botocore.exceptions.ClientError as error:
        if "No updates are to be performed" in str(error):
            return False
        raise
    waiter = cloudformation.get_waiter("stack_update_complete")
    waiter.wait(StackName=stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    return True


def archive(name):
    """The function's current code. For a Qualifier, AWS returns that version's code, but MiniStack
    1.5.33 always returns the current one.
    """
    location = functions.get_function(FunctionName=name)["Code"]["Location"]
    with urllib.request.urlopen(location) as response:
        return response.read()


def roll_back(name, version, code_of_version):
    """Makes an earlier version's code the current one, as in infra/DEPLOY.md."""
    show(f"Roll back {name} to version {version}")
    functions.update_function_code(FunctionName=name, ZipFile=code_of_version, Publish=True)
    wait(name)


def wait(name):
    functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def settings(stack, name):
    """Every setting of a function that comes from the template."""
    configuration = functions.get_function_configuration(FunctionName=name)
    mappings = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    return {
        "configuration": without_code(configuration),
        "reserved concurrency": functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions"),
        "mappings": [without_code(mapping) for mapping in mappings],
        "log groups": [(group["logGroupName"], group.get("retentionInDays")) for group in groups],
        "permissions": permissions(name),
        "tags": functions.list_tags(Resource=configuration["FunctionArn"])["Tags"],
        "other functions": sorted(f["FunctionName"] for f in functions.list_functions()["Functions"]),
    }


def without_code(answer):
    return {key: value for key, value in answer.items() if not key.startswith(ABOUT_THE_CODE)}


def permissions(name):
    try:
        return json.loads(functions.get_policy(FunctionName=name)["Policy"])
    except functions.exceptions.ResourceNotFoundException:
        return None


def code(name):
    return functions.get_function_configuration(FunctionName=name)["CodeSha256"]


def answer(url):
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def check_settings(before, after):
    for what in before:
        check(f"{what} unchanged", before[what] == after[what], f"before: {before[what]}\nafter:  {after[what]}")


def check(what, holds, otherwise=""):
    if not holds:
        sys.exit(f"FAILED: {what}\n{otherwise}".rstrip())
    print(f"        ok: {what}", flush=True)


def show(line):
    print(f"      {line}", flush=True)


if __name__ == "__main__":
    main()
