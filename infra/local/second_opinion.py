"""What others say of infra/template.yaml: SAM's own translator, cfn-lint of what that makes, and AWS's models of its services.

The template is translated as somebody would deploy it, with nothing that is optional and with everything, and each
result is linted as plain CloudFormation. Runs in the environment of the SAM CLI, with which all of them come.
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
# Everything that is optional.
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
# Every rule of cfn-lint's, also what only informs and what is experimental, but these.
NOT_FOR_US = [
    # A policy of deletion for each queue and log group: the default is meant, they go with the stack.
    "I3011",
    # Prose about the architecture in each resource's metadata. ARCHITECTURE.md has it.
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
    """The template as CloudFormation gets it, by the code that AWS runs."""
    template = copy.deepcopy(source)
    for resource in template["Resources"].values():
        # What `sam package` uploads, it names by where it is then.
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
    """Nothing is lost, nothing of SAM's is left, and nothing comes along that nobody asked for, such as a role."""
    names = set(source["Resources"])
    lost, added = names - set(made["Resources"]), set(made["Resources"]) - names
    left = [name for name, one in made["Resources"].items() if one["Type"].startswith("AWS::Serverless::")]
    if lost or added or left:
        sys.exit(f"SAM's translator lost {sorted(lost)}, added {sorted(added)} and left {left}")


def compare_built(source, path):
    """`sam build` builds nothing, for cargo-lambda has: what it makes points to the same programs."""
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
    """The pipe is one that the service's own model would take, and what it makes of an event is an object."""
    properties = with_references(source["Resources"]["EventPipe"]["Properties"])
    model = Session().get_service_model("pipes").operation_model("CreatePipe").input_shape
    report = ParamValidator().validate(properties, model)
    if report.has_errors():
        sys.exit(f"AWS's model of CreatePipe: {report.generate_report()}")
    template = properties["TargetParameters"]["InputTemplate"]
    # A path stands where a value does, without quotes.
    made = json.loads(template.replace("<$.", '"<$.').replace(">", '>"'))
    entry = {"Source": "source", "DetailType": "type", "Detail": json.dumps(made)}
    model = Session().get_service_model("events").operation_model("PutEvents").input_shape
    report = ParamValidator().validate({"Entries": [entry]}, model)
    if report.has_errors() or not isinstance(made, dict):
        sys.exit(f"AWS's model of PutEvents: {report.generate_report()}")


def with_references(value):
    """Intrinsic functions as some text that is as good as theirs."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in ("Ref", "Fn::GetAtt", "Fn::Sub"):
            return "arn:aws:sqs:eu-north-1:123456789012:reference"
        return {name: with_references(one) for name, one in value.items()}
    return [with_references(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
