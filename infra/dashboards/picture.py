"""Draws the CloudWatch dashboard of a running local stack as an SVG, from what its functions counted.

The local AWS keeps no metrics, so the functions' own are read from their logs (EMF), and panels of AWS's, as those of queues and cost,
stay empty. WEBHOOKS_STACK names the stack's description; the endpoint, the region and the credentials come from the
environment (AWS_*).
"""

import collections
import html
import json
import math
import os
import pathlib
import re
import sys

import boto3

COLUMN, ROW, GAP = 60, 30, 4
COLOURS = ["#0073bb", "#e07941", "#2ca02c", "#9467bd", "#d62728", "#8c564b", "#17becf", "#7f7f7f"]
STATES = {"OK": "#2ca02c", "ALARM": "#d62728"}
NOT_YET = "#aab7b8"


def main():
    stack = json.loads(pathlib.Path(os.environ["WEBHOOKS_STACK"]).read_text())
    lines = list(log_lines(stack["outputs"]))
    points = metric_points(lines)
    cloudwatch = boto3.client("cloudwatch")
    times = [time for series in points.values() for time, _ in series]
    if not times:
        sys.exit("The functions have logged no metric yet")
    window = (min(times) - 1, max(times) + 1)
    body = json.loads(cloudwatch.get_dashboard(DashboardName=stack["stack_name"])["DashboardBody"])
    width = 24 * COLUMN
    height = ROW * max(widget["y"] + widget["height"] for widget in body["widgets"])
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="11">']
    parts.append('<rect width="100%" height="100%" fill="#f2f3f3"/>')
    for widget in body["widgets"]:
        parts += draw(widget, points, window, lines, cloudwatch)
    parts.append("</svg>")
    pathlib.Path(sys.argv[1]).write_text("\n".join(parts))


def log_lines(outputs):
    """What the functions logged as JSON."""
    pages = boto3.client("logs").get_paginator("filter_log_events")
    for group in ("IntakeLogGroup", "ProcessorLogGroup", "FeedbackLogGroup"):
        for pattern in ('"_aws"', '"level"'):
            for page in pages.paginate(logGroupName=outputs[group], filterPattern=pattern):
                for event in page["events"]:
                    try:
                        line = json.loads(event["message"])
                    except ValueError:
                        continue
                    if ("_aws" in line) == (pattern == '"_aws"'):
                        yield line


def metric_points(lines):
    """(namespace, name, dimensions) -> [(seconds, value)], as CloudWatch would take it from the lines."""
    points = collections.defaultdict(list)
    for line in lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            time = line["_aws"]["Timestamp"] / 1000
            for dimensions in directive["Dimensions"]:
                key = frozenset((name, str(line[name])) for name in dimensions)
                for metric in directive["Metrics"]:
                    values = line[metric["Name"]]
                    values = values if isinstance(values, list) else [values]
                    points[directive["Namespace"], metric["Name"], key] += [(time, value) for value in values]
    return points


def draw(widget, points, window, lines, cloudwatch):
    properties = widget["properties"]
    x, y = widget["x"] * COLUMN + GAP, widget["y"] * ROW + GAP
    width, height = widget["width"] * COLUMN - 2 * GAP, widget["height"] * ROW - 2 * GAP
    yield f'<g transform="translate({x},{y})"><rect width="{width}" height="{height}" fill="white" stroke="#d5dbdb"/>'
    yield text(8, 16, properties["title"], weight="bold")
    if widget["type"] == "alarm":
        yield from draw_alarms(properties, width, cloudwatch)
    elif widget["type"] == "log":
        yield from draw_log(lines)
    else:
        series = list(drawn(properties["metrics"], points, window))
        if properties["view"] == "singleValue":
            yield from draw_numbers(series)
        else:
            yield from draw_lines(series, window, width, height)
    yield "</g>"


def drawn(metrics, points, window):
    """(label, [(seconds, value)]) of each line; expressions need metrics that the local AWS does not have."""
    for metric in metrics:
        *name, options = metric
        if options.get("visible") is False:
            continue
        if name:
            key = (name[0], name[1], frozenset(zip(name[2::2], name[3::2])))
            yield options.get("label", name[1]), statistic(points.get(key, []), options["stat"], window)
        elif options["expression"].startswith("SEARCH"):
            yield from searched(options["expression"], points, window)


def searched(expression, points, window):
    namespace, schema, name = re.search(r'{"([^"]+)",([^}]+)} MetricName="(\w+)"', expression).groups()
    fixed = set(re.findall(r' (\w+)="([^"]+)"', expression)) - {("MetricName", name)}
    for (space, metric, key), found in sorted(points.items(), key=lambda item: str(item[0])):
        dimensions = dict(key)
        if (space, metric) == (namespace, name) and set(dimensions) == set(schema.split(",")) and fixed <= set(key):
            value = next(value for item, value in dimensions.items() if (item, value) not in fixed)
            yield f"{name} {value}", statistic(found, "Sum", window)


def statistic(found, stat, window):
    """One value for each of sixty parts of the window."""
    step = (window[1] - window[0]) / 60
    parts = collections.defaultdict(list)
    for time, value in found:
        parts[int((time - window[0]) / step)].append(value)
    return [(window[0] + (part + 0.5) * step, reduced(sorted(values), stat)) for part, values in sorted(parts.items())]


def reduced(values, stat):
    if stat.startswith("p"):
        return values[max(0, math.ceil(len(values) * float(stat[1:]) / 100) - 1)]
    return {"Sum": sum, "Maximum": max, "Minimum": min}[stat](values)


def draw_lines(series, window, width, height):
    series = [(label, line) for label, line in series if line]
    if not series:
        yield text(8, height / 2, "nothing counted locally", colour=NOT_YET)
        return
    top, bottom, right = 26, height - 16 - 13 * ((len(series) + 1) // 2), width - 10
    highest = max(value for _, line in series for _, value in line) or 1
    yield text(8, top + 8, f"{highest:g}", colour="#545b64")
    for index, (label, line) in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        place = [
            (40 + (time - window[0]) / (window[1] - window[0]) * (right - 40), bottom - value / highest * (bottom - top))
            for time, value in line
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in place)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>' for x, y in place)
        yield text(8 + index % 2 * width / 2, bottom + 16 + 13 * (index // 2), label[:44], colour=colour)
    yield f'<path d="M40,{bottom} H{right}" stroke="#d5dbdb"/>'


def draw_numbers(series):
    if not series:
        yield text(8, 60, "nothing counted locally", colour=NOT_YET)
    for index, (label, line) in enumerate(series):
        yield text(20 + index * 220, 70, f"{sum(value for _, value in line):g}", size=32)
        yield text(20 + index * 220, 92, label, colour="#545b64")


def draw_alarms(properties, width, cloudwatch):
    states = {alarm["AlarmArn"]: alarm["StateValue"] for alarm in cloudwatch.describe_alarms(MaxRecords=100)["MetricAlarms"]}
    columns = 8
    for index, arn in enumerate(properties["alarms"]):
        x, y = 8 + index % columns * (width - 8) / columns, 26 + index // columns * 22
        colour = STATES.get(states.get(arn), NOT_YET)
        yield f'<rect x="{x}" y="{y}" width="{(width - 8) / columns - 6}" height="18" fill="{colour}"/>'
        yield text(x + 4, y + 13, arn.rsplit(":", 1)[1].split("-", 1)[1], colour="white", size=10)


def draw_log(lines):
    wanted = re.compile(r"^(parked|dead|feedback parked|rejected)")
    found = [line for line in lines if line.get("level") == "ERROR" or wanted.match(str(line.get("message", "")))]
    for index, line in enumerate(sorted(found, key=lambda line: line.get("timestamp", ""), reverse=True)[:11]):
        yield text(8, 34 + index * 15, f"{line.get('timestamp')}  {line.get('level')}  {line.get('message')}"[:200])


def text(x, y, content, colour="#16191f", size=11, weight="normal"):
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{colour}" font-size="{size}" font-weight="{weight}">{html.escape(content)}</text>'


if __name__ == "__main__":
    main()
