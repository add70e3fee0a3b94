"""The values of a panel for a run, or the reason why there are none."""

import dataclasses
import math
import re

import counted
import expressions

FROM_REPORTS = ("Invocations", "Errors", "Duration")
QUERY = re.compile(
    r"((?:SOURCE '[^']+' \| )+)fields ([^|]+)\| filter level = '(\w+)' or message like /(.+)/\s*"
    r"\| sort @timestamp desc\s*\| limit (\d+)"
)


@dataclasses.dataclass
class Drawn:
    label: str
    # One value per period of the run; None without a measurement.
    values: list
    period: int = 60
    # The reason for missing values, or for gaps.
    reason: str = ""

    def has_values(self):
        return any(value is not None for value in self.values)


def drawn(panel, run):
    """The visible lines of a panel."""
    operands = {line.id: line for line in panel.lines if line.id}
    for line in panel.lines:
        if line.visible:
            if line.expression:
                yield calculated(line, operands, run)
            elif line.by:
                yield from each(line, run)
            else:
                yield measured(line, run)


def measured(line, run):
    key = (line.namespace, line.name, frozenset(line.dimensions.items()))
    if key not in run.points and not is_counted_here(line, run):
        return Drawn(line.label, [], line.period, why_not(line))
    values = run.statistic(key, line.stat, line.period)
    made = Drawn(line.label, values, line.period)
    if not made.has_values():
        of = next(iter(line.dimensions.values()), "")
        made.reason = f"{of} has measured no {line.name} in this run."
    return made


def each(line, run):
    found = run.with_dimensions(line.namespace, line.name, line.dimensions, line.by)
    for value, key in found.items():
        label = line.label.replace(f"${{PROP('Dim.{line.by}')}}", value)
        yield Drawn(label, run.statistic(key, line.stat, line.period), line.period)
    if not found and is_counted_here(line, run):
        yield Drawn(f"{line.name}, of any {line.by}", [0] * len(run.buckets(line.period)), line.period)
    elif not found:
        yield Drawn(f"{line.name}, by {line.by}", [], line.period, why_not(line))


def calculated(line, operands, run):
    try:
        calculate = expressions.parse(line.expression)
    except ValueError as error:
        return Drawn(line.label, [], line.period, f"This page does not know the expression: {error}.")
    counts = len(run.buckets(line.period))
    found, missing = {}, set()
    for name, operand in operands.items():
        made = measured(operand, run)
        is_known = made.has_values() or is_counted_here(operand, run)
        found[name] = made.values if is_known else [expressions.UNKNOWN] * counts
        if not is_known and re.search(rf"\b{name}\b", line.expression):
            missing.add(why_not(operand))
    values = [calculate({name: values[at] for name, values in found.items()}) for at in range(counts)]
    known = [None if value is None or math.isnan(value) else value for value in values]
    reason = " ".join(sorted(missing)) if known != values else ""
    return Drawn(line.label, known, line.period, reason)


def is_counted_here(line, run):
    """Whether the log is complete, so that a missing line means that nothing happened."""
    if line.namespace == "AWS/Lambda":
        return run.is_whole and line.name in FROM_REPORTS
    return is_ours(line) and (run.is_whole or line.dimensions.get("service") != "intake")


def is_ours(line):
    return line.namespace.split("/")[0] == counted.OURS


def why_not(line):
    if is_ours(line):
        return "This log has no lines of intake, only those of functions that a queue invoked: take functions.log."
    return f"Metrics of {line.namespace} are made by AWS, not by a local run."


def found_by(query, run):
    """(names of the columns, rows) of the lines that match a query over the logs, newest first."""
    parts = QUERY.fullmatch(query)
    if not parts:
        raise ValueError("This page does not know the query")
    sources, fields, level, message, limit = parts.groups()
    functions = set(re.findall(r"'/aws/lambda/([^']+)'", sources))
    names = [name.strip() for name in fields.split(",")]
    lines = [
        line
        for function, line in run.logged
        if function in functions and (line["level"] == level or re.search(message, str(line.get("message", ""))))
    ]
    lines.sort(key=lambda line: line.get("timestamp", ""), reverse=True)
    return names, [[line.get(name.replace("@", ""), "") for name in names] for line in lines[: int(limit)]]
