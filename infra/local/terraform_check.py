"""Compares infra/terraform with infra/template.yaml: functions, their variables and permissions,
queues, mappings, routes, table, limits of parameters.

It only reads the files. References are equal if they refer to the same thing, and parameters and
variables are all equal.
"""

import pathlib
import re
import sys

import hcl2
import yaml

INFRA = pathlib.Path(__file__).parent.parent
FUNCTIONS = ("intake", "processor", "feedback", "reconciler", "operations", "repair")
QUEUES = ("notifications", "events", "feedback", "repairs")
# Variables with the limits of the template's parameter.
LIMITED = (
    "worker_timeout_seconds",
    "reconciler_timeout_seconds",
    "retry_base_seconds",
    "max_receive_count",
    "give_up_hours",
    "reconcile_minutes",
    "retention_days",
    "audit_retention_days",
    "silence_hours",
)
# Equal for all roles.
EQUAL = ("logs:", "xray:", "kms:")
# The template can use IAM instead of tokens, so it tells the function which. Terraform's example
# supports only tokens.
AUTHORIZER = "AUTHORIZER"


class Loader(yaml.SafeLoader):
    """Reads !Ref as {"Ref": ...}, and all other tags in the same way."""


def tagged(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    return {suffix: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", tagged)


class Terraform:
    """Merges all files of the example."""

    def __init__(self):
        self.locals, self.resources, self.variables = {}, {}, {}
        for path in sorted((INFRA / "terraform").glob("*.tf")):
            document = hcl2.loads(path.read_text())
            for block in document.get("locals", []):
                self.locals |= {name: value[0] for name, value in block.items() if isinstance(value, list)}
            for block in document.get("variable", []):
                self.variables |= block
            for block in document.get("resource", []):
                for kind, named in block.items():
                    self.resources |= {f"{kind}.{name}": body for name, body in named.items()}

    def value(self, value):
        """Resolves lists and references to locals. Puts the rest in the words that `canonical` uses
        for the template.
        """
        if isinstance(value, list):
            return [self.value(one) for one in value]
        text = str(value)
        if text.startswith("${concat("):
            parts = re.fullmatch(r"\$\{concat\(local\.(\w+),\[(.*)\]\)\}", text)
            return self.locals[parts[1]] + re.findall(r"'([^']+)'", parts[2])
        name = re.fullmatch(r"\$\{local\.(\w+)\}", text)
        if name and isinstance(self.locals[name[1]], list):
            return self.value(self.locals[name[1]])
        text = text.replace("${local.table_arn}", "table arn")
        reference = re.fullmatch(r"\$\{local\.(url|dead_url|queue|dead)\.(\w+)\}", text)
        if reference:
            kind = {"url": "url", "dead_url": "dead url", "queue": "arn", "dead": "dead arn"}[reference[1]]
            return f"{reference[2]} {kind}"
        given = r"\$\{(var\.[\w.]+|local\.(operations\.\w+|worker_visibility|partition|log_groups))\}"
        if re.fullmatch(given, text):
            return "parameter"
        return {"${local.secret}": "secret", "${local.table}": "table"}.get(text, text)


def canonical(value):
    """A value of the template, with references in words."""
    if isinstance(value, list):
        return [canonical(one) for one in value]
    if not isinstance(value, dict):
        return str(value)
    [(function, operand)] = value.items()
    if function == "If" and operand[0] == "HasOperations":
        return canonical(operand[1])
    operand = operand if isinstance(operand, str) else "parameter"
    queue = re.fullmatch(r"(\w+?)(DeadLetter)?Queue(\.Arn)?", operand)
    if queue:
        return f"{queue[1].lower()} {'dead ' if queue[2] else ''}{'arn' if queue[3] else 'url'}"
    if function == "Sub":
        return operand.replace("${Table.Arn}", "table arn")
    return {"Settings.Id": "secret", "Table": "table", "Table.Arn": "table arn"}.get(operand, "parameter")


def flat(value):
    value = value if isinstance(value, list) else [value]
    return [one for part in value for one in (flat(part) if isinstance(part, list) else [part])]


def allowed_by_template(role):
    pairs = set()
    for statement in role["Policies"][0]["PolicyDocument"]["Statement"]:
        statement = statement["If"][1] if "If" in statement else statement
        for action in flat(statement["Action"]):
            pairs |= {(action, resource) for resource in flat(canonical(statement["Resource"]))}
    return {pair for pair in pairs if not pair[0].startswith(EQUAL)}


def allowed_by_terraform(terraform, name):
    pairs = set()
    for statement in terraform.locals["may"][name]:
        for action in flat(terraform.value(statement["actions"])):
            pairs |= {(action, resource) for resource in flat(terraform.value(statement["resources"]))}
    if name in ("operations", "reconciler"):
        pairs.add(("dynamodb:PutItem", "table arn"))
    return pairs


def both(template, terraform):
    """Each thing to compare: its name, its value in the template, and its value in Terraform."""
    resources = {name: resource["Properties"] for name, resource in template["Resources"].items()}
    for name in FUNCTIONS:
        ours, theirs = resources[f"{name.title()}Function"], terraform.locals["functions"][name]
        told = {key: canonical(value) for key, value in ours["Environment"]["Variables"].items() if key != AUTHORIZER}
        also = {key: terraform.value(value) for key, value in theirs["environment"].items() if key != AUTHORIZER}
        yield f"environment of {name}", told, also
        yield f"time-out of {name}", canonical(ours["Timeout"]), terraform.value(theirs["timeout"])
        yield f"description of {name}", ours["Description"], theirs["description"]
        yield f"recursion of {name}", ours.get("RecursiveLoop") == "Allow", name in terraform.locals["recursive"]
        yield f"role of {name}", allowed_by_template(resources[f"{name.title()}Role"]), allowed_by_terraform(terraform, name)
    for name, theirs in terraform.locals["mappings"].items():
        ours = resources[f"{name.title()}Mapping"]
        yield f"queue of {name}", canonical(ours["EventSourceArn"]), f"{theirs['queue']} arn"
        yield f"batch of {name}", ours["BatchSize"], theirs["batch_size"]
    for name in QUEUES:
        ours, theirs = resources[f"{name.title()}Queue"], terraform.locals["queues"][name]
        yield f"visibility of {name}", canonical(ours["VisibilityTimeout"]), terraform.value(theirs["visibility"])
        receives = ours["RedrivePolicy"]["maxReceiveCount"]
        yield f"receives of {name}", canonical(receives), terraform.value(theirs["max_receive_count"])
        for kind, queue in (("queue", f"{name.title()}Queue"), ("dead_letter", f"{name.title()}DeadLetterQueue")):
            body = terraform.resources[f"aws_sqs_queue.{kind}"]
            yield f"retention of {queue}", [resources[queue]["MessageRetentionPeriod"]], body["message_retention_seconds"]
            yield f"size of {queue}", [resources[queue].get("MaximumMessageSize", 1048576)], body["max_message_size"]
    yield from limits(template["Parameters"], terraform.variables)
    yield from tables(resources["Table"], terraform.resources["aws_dynamodb_table.table"])
    routes = {one["RouteKey"] for one in resources.values() if isinstance(one, dict) and "RouteKey" in one}
    yield "routes", routes, set(re.findall(r"'((?:ANY|GET) /[^']*)'", str(terraform.locals["routes"])))


def limits(parameters, variables):
    for name in LIMITED:
        ours, own = parameters[name.title().replace("_", "")], f"var.{name}"
        condition = f"contains({ours.get('AllowedValues')},{own})"
        if "AllowedValues" not in ours:
            condition = f"{own} >= {ours['MinValue']} && {own} <= {ours['MaxValue']}"
        [validation] = variables[name]["validation"]
        yield f"limits of {name}", "${" + condition.replace(" ", "") + "}", validation["condition"][0].replace(" ", "")


def tables(ours, theirs):
    yield "keys", [one["AttributeName"] for one in ours["KeySchema"]], theirs["hash_key"] + theirs["range_key"]
    attributes = {one["AttributeName"]: one["AttributeType"] for one in ours["AttributeDefinitions"]}
    yield "attributes", attributes, {one["name"][0]: one["type"][0] for one in theirs["attribute"]}
    yield "time to live", [ours["TimeToLiveSpecification"]["AttributeName"]], theirs["ttl"][0]["attribute_name"]
    for ours_index, index in zip(ours["GlobalSecondaryIndexes"], theirs["global_secondary_index"], strict=True):
        keys = [one["AttributeName"] for one in ours_index["KeySchema"]]
        yield f"index {index['name'][0]}", keys, index["hash_key"] + index["range_key"]
        projection = ours_index["Projection"]
        projected = [projection["ProjectionType"], projection.get("NonKeyAttributes", [])]
        yield f"projection of {index['name'][0]}", projected, index["projection_type"] + index.get("non_key_attributes", [[]])


def main():
    template = yaml.load((INFRA / "template.yaml").read_text(), Loader)
    compared = list(both(template, Terraform()))
    differing = [(what, ours, theirs) for what, ours, theirs in compared if ours != theirs]
    for what, ours, theirs in differing:
        print(f"{what}: template.yaml has {ours}, terraform has {theirs}")
    if differing or len(compared) < 60:
        sys.exit(f"infra/terraform and infra/template.yaml differ in {len(differing)} of {len(compared)} points")


if __name__ == "__main__":
    main()
