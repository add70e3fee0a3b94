"""Writes the permissions that CloudFormation needs for infra/template.yaml and its nested templates
into infra/deployer.yaml.

With --check it writes nothing, and fails if the file is out of date.
"""

import json
import pathlib
import sys
import textwrap

from deployer_permissions import STATEMENTS
from second_opinion import NESTED, TEMPLATE, read, resources_of

FILE = pathlib.Path(__file__).parent.parent / "deployer.yaml"
BEGIN = "          # ---- from here on written by infra/local/deployer.py\n"
END = "          # ---- up to here\n"
# The prefix of all deployed names. The permissions depend on it.
STACK_NAMES = ("${AWS::StackName}", "${ReceiverStackName}")
PREFIXES = ("", "/aws/lambda/", "/aws/vendedlogs/apis/")
NAMES = ("AlarmName", "DashboardName", "FunctionName", "LogGroupName", "QueueName", "TopicName")
NAMED = {"AWS::Pipes::Pipe": "Name"}
# The most characters of all policies of a role, without blanks.
LARGEST_POLICY = 10_240
COLUMNS = 100
# CloudWatch refuses these actions if a permission for them is limited to some alarms.
ONLY_FOR_ALL = {"cloudwatch:DescribeAlarms", "cloudwatch:PutCompositeAlarm"}


def main():
    resources = [*resources_of(read(TEMPLATE)), *(one for path in NESTED for one in resources_of(read(path)))]
    problems = list(check_types({resource["Type"] for _, resource in resources}))
    problems += [problem for name, resource in resources for problem in check_names(name, resource)]
    problems += check_breadth()
    size = len(json.dumps([statement(one) for one in STATEMENTS], separators=(",", ":")))
    if size > LARGEST_POLICY:
        problems.append(f"the policy has {size} characters, and AWS takes {LARGEST_POLICY}")
    if problems:
        sys.exit("\n".join(problems))
    text = FILE.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    written = before + BEGIN + "".join(lines(one) for one in STATEMENTS) + END + after
    if "--check" not in sys.argv:
        FILE.write_text(written)
    elif written != text:
        sys.exit("infra/deployer.yaml does not allow what the templates need: run python infra/local/deployer.py")
    print(f"{len(STATEMENTS)} statements, {size} of {LARGEST_POLICY} characters")


def check_types(used):
    """Each type has its permissions, and there are none for unused types."""
    allowed = {kind for one in STATEMENTS for kind in one["types"]}
    for kind in sorted(used - allowed):
        yield f"deployer_permissions.py does not say what {kind} needs"
    for kind in sorted(allowed - used):
        yield f"deployer_permissions.py allows what {kind} needs, and no template has one"


def check_breadth():
    for one in STATEMENTS:
        for action in sorted(ONLY_FOR_ALL & set(one["actions"])):
            if one["resources"] != ["*"]:
                yield f"{action} must be allowed for *, not for {one['resources']}"


def check_names(name, resource):
    for field in (*NAMES, NAMED.get(resource["Type"])):
        given = resource.get("Properties", {}).get(field)
        if given is None or (field == "FunctionName" and resource["Type"] != "AWS::Lambda::Function"):
            continue
        text = given.get("Fn::Sub", given) if isinstance(given, dict) else given
        text = f"${{{given['Ref']}}}" if isinstance(given, dict) and "Ref" in given else text
        if not any(str(text).startswith(prefix + stack) for prefix in PREFIXES for stack in STACK_NAMES):
            yield f"{name}: the permissions depend on the stack's name, but {field} does not start with it"


def statement(one):
    condition = {"Condition": one["condition"]} if "condition" in one else {}
    return {"Effect": "Allow", "Action": one["actions"], "Resource": one["resources"], **condition}


def lines(one):
    """A statement as YAML."""
    text = "          - Effect: Allow\n" + flow("            ", "Action", sorted(one["actions"]))
    text += flow("            ", "Resource", [written(resource) for resource in one["resources"]])
    if "condition" in one:
        [(operator, keys)] = one["condition"].items()
        [(key, values)] = keys.items()
        values = [values] if isinstance(values, str) else values
        text += f"            Condition:\n              {operator}:\n"
        text += flow("                ", key, [written(value) for value in values])
    return text


def flow(indent, name, values):
    """A list on one line if it fits, or else with as many items per line as fit."""
    line = f"{indent}{name}: [{', '.join(values)}]\n"
    if len(line) <= COLUMNS:
        return line
    wrapped = textwrap.wrap(
        ", ".join(values).replace("!Sub ", "!Sub\x00"), COLUMNS - len(indent) - 2, break_long_words=False, break_on_hyphens=False
    )
    inner = "".join(f"{indent}  {part}\n" for part in wrapped).replace("\x00", " ")
    # Strict YAML wants the bracket indented further than the name.
    return f"{indent}{name}: [\n{inner}{indent}  ]\n"


def written(text):
    if "${" in text:
        return f'!Sub "{text}"'
    return json.dumps(text) if text == "*" else text


if __name__ == "__main__":
    main()
