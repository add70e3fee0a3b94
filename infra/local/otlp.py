"""Sends the functions' log lines to an OpenTelemetry collector by OTLP over HTTP: lines of metrics
as metrics, all others as logs.

    python infra/local/otlp.py .local/up/functions.log http://127.0.0.1:4318

Shows how a collector must map the lines; infra/MONITORING.md describes their way from AWS. Reads
the file once, to its end.
"""

import argparse
import datetime
import json
import pathlib
import urllib.request

# The numbers of OpenTelemetry's data model. Lambda has no other levels.
SEVERITIES = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}
# The names of the units in UCUM.
UNITS = {"Count": "1", "Milliseconds": "ms", "Bytes": "By"}
# Counts are added up, but this is a level.
LEVELS = {"FeedbackQuotaLeft"}
DELTA = 1
SCOPE = {"name": "visma-net-webhooks"}


def main():
    arguments = parse_arguments()
    records, metrics = [], []
    for line in functions_lines(arguments.log.read_text(errors="replace")):
        if "_aws" in line:
            metrics += metrics_of(line)
        else:
            records.append(record_of(line))
    logs = {"scopeLogs": [{"scope": SCOPE, "logRecords": records}]}
    send(arguments.endpoint, "logs", {"resourceLogs": [of_resource(logs)]})
    values = {"scopeMetrics": [{"scope": SCOPE, "metrics": metrics}]}
    send(arguments.endpoint, "metrics", {"resourceMetrics": [of_resource(values)]})
    print(f"{len(records)} lines sent as logs, {len(metrics)} values as metrics")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=pathlib.Path)
    parser.add_argument("endpoint", help="the collector's address for OTLP over HTTP")
    return parser.parse_args()


def functions_lines(text):
    """The functions' lines: objects with a level. The log has other lines between them."""
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                read = json.loads(line)
            except ValueError:
                continue
            if read.get("level") in SEVERITIES:
                yield read


def record_of(line):
    rest = {name: value for name, value in line.items() if name not in ("timestamp", "level", "message")}
    return {
        "timeUnixNano": nanoseconds(line["timestamp"]),
        "severityNumber": SEVERITIES[line["level"]],
        "severityText": line["level"],
        "body": {"stringValue": line.get("message", "")},
        "attributes": attributes(rest),
    }


def metrics_of(line):
    """A line of EMF has one value per dimension. So one data point with all dimensions is
    equivalent to CloudWatch's two metrics.
    """
    at = str(line["_aws"]["Timestamp"] * 1_000_000)
    for directive in line["_aws"]["CloudWatchMetrics"]:
        dimensions = {name: line[name] for group in directive["Dimensions"] for name in group}
        for described in directive["Metrics"]:
            name, unit = described["Name"], described.get("Unit", "None")
            values = line[name] if isinstance(line[name], list) else [line[name]]
            point = {"timeUnixNano": at, "startTimeUnixNano": at, "attributes": attributes(dimensions)}
            metric = {"name": f"{directive['Namespace']}/{name}", "unit": UNITS.get(unit, unit)}
            if name in LEVELS:
                yield metric | {"gauge": {"dataPoints": [point | {"asInt": str(min(values))}]}}
            elif unit == "Count":
                sums = {"dataPoints": [point | {"asInt": str(sum(values))}], "isMonotonic": True}
                yield metric | {"sum": sums | {"aggregationTemporality": DELTA}}
            else:
                of_all = {"count": len(values), "sum": sum(values), "min": min(values), "max": max(values)}
                buckets = {"explicitBounds": [], "bucketCounts": [len(values)]}
                yield metric | {"histogram": {"dataPoints": [point | of_all | buckets], "aggregationTemporality": DELTA}}


def attributes(values):
    def text(value):
        return value if isinstance(value, str) else json.dumps(value)

    return [{"key": name, "value": {"stringValue": text(value)}} for name, value in values.items()]


def of_resource(scopes):
    return {"resource": {"attributes": attributes({"service.namespace": "visma-net-webhooks", "cloud.provider": "aws"})}} | scopes


def nanoseconds(timestamp):
    return str(int(datetime.datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp() * 1_000) * 1_000_000)


def send(endpoint, signal, message):
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{endpoint}/v1/{signal}", json.dumps(message).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        response.read()


if __name__ == "__main__":
    main()
