"""Reads the counts and logs of the functions of a local run from the log of that run."""

import collections
import dataclasses
import json
import math
import re

# The local AWS prints this before it repeats the output of a function that a queue invoked.
OUTPUT = re.compile(r"ESM: Lambda (\S+) output:$")
OURS = "VismaNetWebhooks"
# The longest shown time, which is the default of both dashboards.
LONGEST = 8 * 3600
MINUTE = 60
# Lengths that replace a minute in a short run, and the most periods in a chart.
SHORTER, MOST = (1, 5, 10, 30), 60


@dataclasses.dataclass
class Run:
    # (namespace, name, dimensions) -> [(seconds, value)]
    points: dict
    # (function, line) of lines that are not metrics
    logged: list
    # Whether the log covers all functions and each invocation.
    is_whole: bool
    # The seconds that replace the dashboards' minute.
    minute: int = MINUTE

    def window(self):
        """The seconds of the first and the last value, eight hours at most."""
        times = [time for found in self.points.values() for time, _ in found]
        return (max(min(times), max(times) - LONGEST), max(times)) if times else None

    def look_closer(self):
        """Short runs get shorter periods, since half a minute would be a single dot."""
        first, last = self.window()
        self.minute = next((seconds for seconds in SHORTER if last - first < seconds * MOST), MINUTE)

    def seconds(self, period):
        return self.minute if period == MINUTE else period

    def buckets(self, period):
        """The starts of the run's periods."""
        period = self.seconds(period)
        first, last = (int(time // period) for time in self.window())
        return [part * period for part in range(first, last + 1)]

    def statistic(self, key, stat, period):
        """One value per period. Without a count, a sum is 0 and there is no measurement."""
        parts = collections.defaultdict(list)
        seconds = self.seconds(period)
        for time, value in self.points.get(key, []):
            parts[time // seconds * seconds].append(value)
        empty = 0 if stat == "Sum" else None
        return [reduced(sorted(parts[begin]), stat) if parts[begin] else empty for begin in self.buckets(period)]

    def with_dimensions(self, namespace, name, fixed, by):
        """The existing values of the dimension `by` beside the fixed ones, with their keys."""
        found = {}
        for key in self.points:
            dimensions = dict(key[2])
            if key[:2] == (namespace, name) and by in dimensions and dimensions == fixed | {by: dimensions[by]}:
                found[dimensions[by]] = key
        return dict(sorted(found.items()))


def read(text):
    run = Run(collections.defaultdict(list), [], False)
    function = ""
    for line in text.splitlines():
        begin = OUTPUT.search(line)
        if begin:
            function = begin.group(1)
        parsed = parse(line)
        if not parsed:
            continue
        if "_aws" in parsed:
            count(run, parsed)
        elif parsed.get("type") == "platform.start":
            function = parsed["record"]["functionName"]
        elif parsed.get("type") == "platform.report":
            report(run, parsed["record"])
        elif "level" in parsed:
            run.logged.append((function, parsed))
    return run


def parse(line):
    if not line.startswith("{"):
        return None
    try:
        parsed = json.loads(line)
    except ValueError:
        # The last line of a running log may be incomplete.
        return None
    return parsed if isinstance(parsed, dict) else None


def count(run, line):
    """Reads metrics from a line in the embedded metric format, like CloudWatch."""
    time = line["_aws"]["Timestamp"] / 1000
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, str(line[name])) for name in names)
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                values = values if isinstance(values, list) else [values]
                key = (directive["Namespace"], metric["Name"], dimensions)
                run.points[key] += [(time, value) for value in values]


def report(run, record):
    """Lambda's own metrics of an invocation."""
    run.is_whole = True
    dimensions = frozenset({("FunctionName", record["functionName"])})
    values = {"Invocations": 1, "Errors": int(record["status"] != "success"), "Duration": record["durationMs"]}
    for name, value in values.items():
        run.points["AWS/Lambda", name, dimensions].append((record["time"], value))


def reduced(values, stat):
    """`values` must be sorted. Percentiles use the nearest rank, so they are measured values."""
    if re.fullmatch(r"p[0-9.]+", stat):
        return values[max(0, math.ceil(len(values) * float(stat[1:]) / 100) - 1)]
    statistics = {"Sum": sum, "Maximum": max, "Minimum": min, "SampleCount": len}
    if stat == "Average":
        return sum(values) / len(values)
    return statistics[stat](values)
