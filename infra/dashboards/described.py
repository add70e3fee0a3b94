"""The panels of both descriptions, CloudWatch's and Grafana's, in common terms."""

import dataclasses
import json
import re

# Values of the deployment's placeholders on the local stack. No metric of a local run uses the last
# ones.
STACK, API, TABLE, CONSOLE = "webhooks", "api", "table", "console"
CLOUDWATCH = {
    "${ReceiverStackName}": STACK,
    "${ApiId}": API,
    "${TableName}": TABLE,
    "${ConsoleUrl}": CONSOLE,
    "${AWS::Partition}": "aws",
    "${AWS::Region}": "eu-north-1",
    "${AWS::AccountId}": "000000000000",
}
GRAFANA = {
    "${stack}": STACK,
    "${api}": API,
    "${table}": TABLE,
    "${console:raw}": CONSOLE,
    "${region}": "eu-north-1",
    "${account}": "000000000000",
}
WIDGET = re.compile(r'^\s*,?(\{"height":.*\}),?$', re.MULTILINE)
SEARCH = re.compile(r"""SEARCH\('\{"([^"]+)",([\w,]+)\} MetricName="(\w+)"(.*)', '(\w+)', (\d+)\)""")
UNITS = {"short": "count", "ms": "ms", "s": "s", "bytes": "bytes", "currencyUSD": "US dollars"}


@dataclasses.dataclass
class Line:
    label: str
    id: str = ""
    visible: bool = True
    period: int = 60
    stat: str = "Sum"
    # For a metric.
    namespace: str = ""
    name: str = ""
    dimensions: dict = dataclasses.field(default_factory=dict)
    # One line for each value of this dimension.
    by: str = ""
    # For metric math.
    expression: str = ""


@dataclasses.dataclass
class Panel:
    title: str
    width: int
    # chart, stacked, total, latest, alarms, log or text
    view: str
    unit: str = "count"
    lines: list = dataclasses.field(default_factory=list)
    # A query, a text, or the names of alarms.
    content: object = None


def cloudwatch(template):
    """From the CloudFormation template, with the operations API and its console."""
    for widget in WIDGET.findall(template):
        for variable, value in CLOUDWATCH.items():
            widget = widget.replace(variable, value)
        # The escape of Fn::Sub.
        widget = json.loads(widget.replace("${!", "${"))
        properties = widget["properties"]
        # A text has no title.
        panel = Panel(properties.get("title", "Console"), widget["width"], widget["type"])
        if widget["type"] == "alarm":
            panel.view = "alarms"
            panel.content = [alarm.rsplit(f":alarm:{STACK}-", 1)[1] for alarm in properties["alarms"]]
        elif widget["type"] == "text":
            panel.content = properties["markdown"]
        elif widget["type"] == "log":
            panel.content = properties["query"]
        else:
            panel.lines = [cloudwatch_line(*metric) for metric in properties["metrics"]]
            panel.unit = properties.get("yAxis", {}).get("left", {}).get("label", "count")
            numbers = "total" if properties.get("setPeriodToTimeRange") else "latest"
            graph = "stacked" if properties.get("stacked") else "chart"
            panel.view = numbers if properties["view"] == "singleValue" else graph
        yield panel


def cloudwatch_line(*metric):
    *key, options = metric
    line = Line(options.get("label", ""), options.get("id", ""), options.get("visible", True), options["period"])
    if key:
        line.namespace, line.name, line.stat = key[0], key[1], options["stat"]
        line.dimensions = dict(zip(key[2::2], key[3::2]))
        return line
    search = SEARCH.fullmatch(options["expression"])
    if not search:
        line.expression = options["expression"]
        return line
    line.namespace, names, line.name, fixed, line.stat, period = search.groups()
    line.period = int(period)
    line.dimensions = dict(re.findall(r' (\w+)="([^"]*)"', fixed))
    [line.by] = set(names.split(",")) - set(line.dimensions)
    return line


def grafana(text):
    for variable, value in GRAFANA.items():
        text = text.replace(variable, value)
    for described in json.loads(text)["panels"]:
        panel = Panel(described["title"], described["gridPos"]["w"], "text")
        targets = described.get("targets", [])
        if described["type"] == "text":
            panel.content = described["options"]["content"]
        elif described["type"] == "table":
            sources = "".join(f"SOURCE '{group['name']}' | " for group in targets[0]["logGroups"])
            panel.view, panel.content = "log", sources + targets[0]["expression"]
        else:
            panel.lines = [grafana_line(target) for target in targets]
            defaults = described.get("fieldConfig", {}).get("defaults", {})
            panel.unit = UNITS[defaults.get("unit", "short")]
            is_stacked = defaults.get("custom", {}).get("stacking", {}).get("mode") == "normal"
            panel.view = "stacked" if is_stacked else "chart"
            if described["type"] == "stat":
                [calculation] = described["options"]["reduceOptions"]["calcs"]
                panel.view = {"sum": "total", "lastNotNull": "latest"}[calculation]
        yield panel


def grafana_line(target):
    line = Line(target["label"], target["id"], not target["hide"], int(target["period"]))
    if target["expression"]:
        line.expression = target["expression"]
        return line
    dimensions = target["dimensions"]
    line.namespace, line.name, line.stat = target["namespace"], target["metricName"], target["statistic"]
    line.dimensions = {name: value for name, value in dimensions.items() if value != "*"}
    line.by = "".join(set(dimensions) - set(line.dimensions))
    return line
