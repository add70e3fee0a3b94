"""Deploys infra/template.yaml to the local AWS, like `sam deploy` to the real one, and writes the
settings document.

The endpoint, the region and the credentials come from the environment (AWS_*).
"""

import argparse
import io
import json
import pathlib
import platform
import secrets
import sys
import zipfile

import boto3
import botocore.exceptions
from samtranslator.yaml_helper import yaml_parse

CODE_BUCKET = "deployment"
TEMPLATE = "template.json"
ROLES = ("read", "raw", "repair", "erase")
# What else the client of a role may ask for.
READS = {"repair": ("read", "raw"), "erase": ("read",)}
# A user of the console.
USER = "operator"


def main():
    arguments = parse_arguments()
    template = yaml_parse(arguments.template.read_text())
    parameters = json.loads(arguments.parameters.read_text())
    parameters |= dict(pair.split("=", 1) for pair in arguments.set)
    parameters["Architecture"] = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    upload_functions(template, arguments.binaries)
    alarms = upload_nested(template, arguments.template.parent)
    operators = make_operators()
    parameters |= operators["parameters"]
    adapt(template, parameters)
    outputs = deploy(template, arguments.stack_name, parameters)
    open_console(operators["console"], outputs["ApiId"])
    check_observability(arguments.stack_name, alarms)
    write_settings(outputs["SettingsSecretArn"], arguments.settings.read_text(), arguments.standin_url)
    arguments.outputs.write_text(json.dumps(outputs | operators["clients"], indent=2))
    if arguments.environment:
        arguments.environment.write_text(environment(outputs))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack-name", required=True)
    parser.add_argument("--template", type=pathlib.Path, required=True)
    parser.add_argument("--parameters", type=pathlib.Path, required=True, help="JSON object of template parameters")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="parameters that differ from those")
    parser.add_argument("--binaries", type=pathlib.Path, required=True, help="folder with a program for each function")
    parser.add_argument("--settings", type=pathlib.Path, required=True, help="settings document, {standin} in its URLs")
    parser.add_argument("--standin-url", required=True)
    parser.add_argument("--outputs", type=pathlib.Path, required=True, help="where to write the stack's outputs")
    parser.add_argument("--environment", type=pathlib.Path, help="where to write the functions' environment")
    return parser.parse_args()


def upload_functions(template, binaries):
    """Uploads each function's program and points its CodeUri there."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            name = pathlib.PurePosixPath(properties["CodeUri"]).name
            s3.put_object(Bucket=CODE_BUCKET, Key=name, Body=zip_bootstrap(binaries / name))
            properties["CodeUri"] = {"Bucket": CODE_BUCKET, "Key": name}


def zip_bootstrap(program):
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    archive = io.BytesIO()
    # Stored, not compressed: the archive only crosses the loopback interface.
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        file.writestr(entry, program.read_bytes())
    return archive.getvalue()


def upload_nested(template, folder):
    """Uploads the nested templates, sets their Location, and returns their number of alarms."""
    alarms = 0
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Application":
            properties = resource["Properties"]
            key = properties["Location"]
            nested = yaml_parse((folder / key).read_text())
            leave_out_unsupported(nested["Resources"])
            alarms += sum(is_expected_alarm(resource) for resource in nested["Resources"].values())
            s3 = boto3.client("s3")
            s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=json.dumps(nested).encode())
            properties["Location"] = f"{s3.meta.endpoint_url}/{CODE_BUCKET}/{key}"
    return alarms


def leave_out_unsupported(resources):
    """MiniStack 1.5.33 creates no composite alarms, and none with metric math from a template."""
    for name, resource in list(resources.items()):
        if resource["Type"] == "AWS::CloudWatch::CompositeAlarm" or "Metrics" in resource["Properties"]:
            del resources[name]


def is_expected_alarm(resource):
    """Whether the local stack has it: it has the operations API, but no silence alarm."""
    return resource["Type"] == "AWS::CloudWatch::Alarm" and resource.get("Condition") in (None, "WatchOperations")


def make_operators():
    """Creates a user pool with a client for each operations role, as in infra/DEPLOY.md."""
    cognito = boto3.client("cognito-idp")
    signing_up = {"AllowAdminCreateUserOnly": True}
    pool = cognito.create_user_pool(PoolName="operators", AdminCreateUserConfig=signing_up)["UserPool"]["Id"]
    scopes = [{"ScopeName": role, "ScopeDescription": role} for role in ROLES]
    cognito.create_resource_server(UserPoolId=pool, Identifier="visma-webhooks", Name="operations", Scopes=scopes)
    clients = {}
    for role in ROLES:
        client = cognito.create_user_pool_client(
            UserPoolId=pool,
            ClientName=role,
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthFlowsUserPoolClient=True,
            # Clients may also read, if they ask for that: `learn` reads bodies, and `erase` watches its job.
            AllowedOAuthScopes=[f"visma-webhooks/{scope}" for scope in {role, *READS.get(role, ())}],
        )["UserPoolClient"]
        clients[f"Operations{role.capitalize()}Client"] = f"{client['ClientId']}:{client['ClientSecret']}"
    console = {
        "UserPoolId": pool,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthScopes": ["openid"] + [f"visma-webhooks/{role}" for role in ROLES],
        "SupportedIdentityProviders": ["COGNITO"],
    }
    client = cognito.create_user_pool_client(ClientName="console", **console)["UserPoolClient"]["ClientId"]
    password = f"Aa1!{secrets.token_urlsafe(12)}"
    cognito.admin_create_user(UserPoolId=pool, Username=USER, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username=USER, Password=password, Permanent=True)
    parameters = {
        "OperationsAuthorizer": "jwt",
        "OperationsIssuer": f"{cognito.meta.endpoint_url}/{pool}",
        "OperationsAudience": ",".join([client] + [client.split(":")[0] for client in clients.values()]),
        "OperationsConsoleClientId": client,
        "OperationsConsoleScope": " ".join(console["AllowedOAuthScopes"]),
    }
    clients["OperationsConsoleUser"] = f"{USER}:{password}"
    return {"parameters": parameters, "clients": clients, "console": {"ClientId": client, **console}}


def open_console(client, api):
    """Sets the console's address, which is known only now, for the return from the sign-in."""
    cognito = boto3.client("cognito-idp")
    url = f"{cognito.meta.endpoint_url}/_aws/execute-api/{api}/$default/operations/console"
    cognito.update_user_pool_client(CallbackURLs=[url], **client)


def adapt(template, parameters):
    """The four differences between the local stack and the template. tests/roles evaluates the
    policies without them.
    """
    # MiniStack enforces this policy, too, but speaks only plain HTTP.
    del template["Resources"]["QueuesRefusePlainHttp"]
    # MiniStack 1.5.33 keeps a Number parameter as text, and compares this one with a number.
    for resource in template["Resources"].values():
        scaling = resource.get("Properties", {}).get("ScalingConfig")
        if scaling:
            name = scaling["MaximumConcurrency"]["Ref"]
            scaling["MaximumConcurrency"] = int(parameters.get(name, template["Parameters"][name]["Default"]))
    for statement in allowing(template):
        # MiniStack 1.5.33 does not pass a request's leading keys to its policies. So it denies
        # everything that is allowed only for some keys.
        if "dynamodb:LeadingKeys" in json.dumps(statement.get("Condition", {})):
            del statement["Condition"]
        # MiniStack 1.5.33 asks for a separate permission for a batch. On AWS sqs:SendMessage covers
        # it.
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if "sqs:SendMessage" in actions:
            statement["Action"] = [*actions, "sqs:SendMessageBatch"]


def allowing(template):
    """The statements of all roles."""
    for resource in template["Resources"].values():
        for policy in resource.get("Properties", {}).get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                # A conditional one is for the key, and the local stack has none.
                if statement.get("Effect") == "Allow":
                    yield statement


def upload_template(template):
    """Uploads the template to S3, like `sam deploy`, and returns its address. It is longer than the
    51,200 bytes that fit into a request.
    """
    s3 = boto3.client("s3")
    s3.put_object(Bucket=CODE_BUCKET, Key=TEMPLATE, Body=json.dumps(template).encode())
    return f"{s3.meta.endpoint_url}/{CODE_BUCKET}/{TEMPLATE}"


def deploy(template, stack_name, parameters):
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=stack_name,
        TemplateURL=upload_template(template),
        Parameters=[{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    try:
        waiter.wait(StackName=stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    except botocore.exceptions.WaiterError:
        sys.exit("The stack was not created:\n" + "\n".join(failures(cloudformation, stack_name)))
    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def check_observability(stack_name, alarms):
    """Fails unless the alarms exist, and the dashboard exists and is valid."""
    cloudwatch = boto3.client("cloudwatch")
    deployed = cloudwatch.describe_alarms(AlarmNamePrefix=f"{stack_name}-", MaxRecords=100)["MetricAlarms"]
    if len(deployed) != alarms:
        sys.exit(f"{len(deployed)} of {alarms} alarms were created")
    widgets = json.loads(cloudwatch.get_dashboard(DashboardName=stack_name)["DashboardBody"])["widgets"]
    if "${ReceiverStackName}" in json.dumps(widgets) or f"{stack_name}-dead-letters-repairs" not in json.dumps(widgets):
        sys.exit("The dashboard lacks the alarms of the operations API, or its names were not filled in")


def failures(cloudformation, stack_name):
    for event in cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]:
        if event["ResourceStatus"].endswith("FAILED"):
            yield f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"


def environment(outputs):
    """The functions' environment, in the form of `cargo lambda watch --env-file`. All functions
    share one file, since a variable has the same value in each.
    """
    functions = boto3.client("lambda")
    session = boto3.session.Session()
    credentials = session.get_credentials()
    variables = {
        "AWS_ENDPOINT_URL": functions.meta.endpoint_url,
        "AWS_REGION": session.region_name,
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
    }
    for name in (value for key, value in outputs.items() if key.endswith("FunctionName")):
        for key, value in functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"].items():
            if variables.setdefault(key, value) != value:
                sys.exit(f"{key} of {name} is {value}, and {variables[key]} in another function")
    return "".join(f"{key}='{value}'\n" for key, value in sorted(variables.items()))


def write_settings(secret, document, standin_url):
    boto3.client("secretsmanager").put_secret_value(
        SecretId=secret, SecretString=document.replace("{standin}", standin_url)
    )


if __name__ == "__main__":
    main()
