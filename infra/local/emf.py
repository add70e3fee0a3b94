"""Checks the functions' lines against AWS's specification of the embedded metric format."""

import json
import pathlib

import jsonschema

SCHEMA = json.loads(pathlib.Path(__file__).with_name("emf.schema.json").read_text())
# The most values of a metric on one line.
MOST_VALUES = 100
# The largest line, like every event of a log.
MOST_BYTES = 1024 * 1024
LONGEST_DIMENSION_VALUE = 1024


def metric_lines(text):
    """The lines that CloudWatch would read as metrics."""
    return [line for line in text.splitlines() if line.startswith("{") and '"_aws":' in line]


def complaints(line):
    """The parts of a line that AWS would refuse or drop."""
    document = json.loads(line)
    found = [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(document)]
    if len(line.encode()) > MOST_BYTES:
        found.append("it is longer than a log event may be")
    if found:
        return found
    # A name under _aws refers to the field of that name beside it.
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for name in (name for names in directive["Dimensions"] for name in names):
            value = document.get(name)
            if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_DIMENSION_VALUE:
                found.append(f"{name} is a dimension and no text: {value!r}")
        for metric in directive["Metrics"]:
            if not is_metric(document.get(metric["Name"])):
                found.append(f"{metric['Name']} is a metric and no number: {document.get(metric['Name'])!r}")
    return found


def is_metric(value):
    values = value if isinstance(value, list) else [value]
    return 1 <= len(values) <= MOST_VALUES and all(
        isinstance(one, (int, float)) and not isinstance(one, bool) for one in values
    )
