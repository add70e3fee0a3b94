"""Checks infra/template.yaml with SAM's own translator, cfn-lint and AWS's models of its services.

It translates the template without options and with all of them, and lints each result as plain
CloudFormation. Runs in the environment of the SAM CLI, which includes these tools.
"""

import argparse
import copy
import json
import pathlib
import sys

import boto3
from botocore.session import Session
from botocore.validate import ParamValidator
from cfnlint.api import ManualArgs, lint
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

INFRA = pathlib.Path(__file__).parent.parent
TEMPLATE = INFRA / "template.yaml"
NESTED = [INFRA / "scaling.yaml", *sorted(INFRA.glob("alarms/*.yaml")), INFRA / "dashboards" / "cloudwatch.yaml"]
REGION = "eu-north-1"
ACCOUNT = "123456789012"
# All options.
EVERYTHING = {
    "Architecture": "x86_64",
    "DomainName": "webhooks.example.com",
    "CertificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1",
    "EventBusArn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/visma",
    "IntakeReservedConcurrency": 5,
    "KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
    "OperationsAuthorizer": "jwt",
    "OperationsAudience": "client",
    "OperationsIssuer": "https://issuer.example.com",
    "PageEmail": "page@example.com",
    "ReserveWorkerConcurrency": "true",
    "SilenceHours": 4,
    "TableCapacity": "provisioned",
    "TicketWebhook": "https://tickets.example.com",
}
# Every rule of cfn-lint, including informational and experimental ones, except these.
NOT_FOR_US = [
    # It wants a deletion policy for each queue and log group, but the default is intended: they are
    # deleted with the stack.
    "I3011",
    # It wants prose about the architecture in each resource's metadata. ARCHITECTURE.md has it.
    "I4010",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--built", type=pathlib.Path, required=True, help="the template that `sam build` made")
    source = read(TEMPLATE)
    compare_built(source, parser.parse_args().built)
    for name, parameters in (("the defaults", {}), ("everything that is optional", EVERYTHING)):
        made = translated(source, parameters)
        compare(source, made)
        complain(f"With {name}", made, parameters)
        print(f"      with {name}: {len(made['Resources'])} resources, nothing to complain about")
    check_pipe(source)
    for path in NESTED:
        complain(path.name, read(path), {})


def read(path):
    return yaml_parse(path.read_text())


def translated(source, parameters):
    """The template in the form that CloudFormation gets, made by the code that AWS runs."""
    template = copy.deepcopy(source)
    for resource in template["Resources"].values():
        # `sam package` replaces these with the addresses of the uploads.
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            properties["CodeUri"] = f"s3://code/{pathlib.PurePosixPath(properties['CodeUri']).name}"
        if resource["Type"] == "AWS::Serverless::Application":
            properties["Location"] = f"https://s3.{REGION}.amazonaws.com/code/{properties['Location']}"
    session = boto3.Session(region_name=REGION)
    translator = Translator(managed_policy_map={}, sam_parser=Parser(), boto_session=session)
    return translator.translate(template, parameters)


def complain(name, template, parameters):
    given = [{key: str(value) for key, value in parameters.items()}] if parameters else []
    all_rules = {"include_checks": ["I"], "include_experimental": True, "ignore_checks": NOT_FOR_US}
    complaints = lint(json.dumps(template, indent=1), config=ManualArgs(regions=[REGION], parameters=given, **all_rules))
    if complaints:
        sys.exit(f"{name}:\n" + "\n".join(map(str, complaints)))


def compare(source, made):
    """The translation loses no resource, leaves nothing of SAM, and adds no unexpected resource,
    such as a role.
    """
    names = set(source["Resources"])
    lost, added = names - set(made["Resources"]), set(made["Resources"]) - names
    left = [name for name, one in made["Resources"].items() if one["Type"].startswith("AWS::Serverless::")]
    if lost or added or left:
        sys.exit(f"SAM's translator lost {sorted(lost)}, added {sorted(added)} and left {left}")


def compare_built(source, path):
    """`sam build` must not build, since cargo-lambda has built already. Its result points to the
    same programs.
    """
    built = read(path)
    for name, resource in source["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            was = (TEMPLATE.parent / resource["Properties"]["CodeUri"]).resolve()
            found = (path.parent / built["Resources"][name]["Properties"]["CodeUri"]).resolve()
            if was != found:
                sys.exit(f"`sam build` takes the code of {name} from {found}, and `sam deploy` from {was}")


def resources_of(template):
    """The names of a template's resources, and the resources as CloudFormation gets them."""
    is_sam = any(one["Type"].startswith("AWS::Serverless::") for one in template["Resources"].values())
    return list((translated(template, {}) if is_sam else template)["Resources"].items())


def check_pipe(source):
    """The service's own model accepts the pipe, and the pipe turns an event into an object."""
    properties = with_references(source["Resources"]["EventPipe"]["Properties"])
    model = Session().get_service_model("pipes").operation_model("CreatePipe").input_shape
    report = ParamValidator().validate(properties, model)
    if report.has_errors():
        sys.exit(f"AWS's model of CreatePipe: {report.generate_report()}")
    template = properties["TargetParameters"]["InputTemplate"]
    # A path in place of a value has no quotes.
    made = json.loads(template.replace("<$.", '"<$.').replace(">", '>"'))
    entry = {"Source": "source", "DetailType": "type", "Detail": json.dumps(made)}
    model = Session().get_service_model("events").operation_model("PutEvents").input_shape
    report = ParamValidator().validate({"Entries": [entry]}, model)
    if report.has_errors() or not isinstance(made, dict):
        sys.exit(f"AWS's model of PutEvents: {report.generate_report()}")


def with_references(value):
    """Replaces intrinsic functions with a plausible text."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in ("Ref", "Fn::GetAtt", "Fn::Sub"):
            return "arn:aws:sqs:eu-north-1:123456789012:reference"
        return {name: with_references(one) for name, one in value.items()}
    return [with_references(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
