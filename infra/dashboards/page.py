"""The page: each panel as a chart with a table behind it, in self-contained HTML."""

import html

import chart
import evaluated

STYLE = """
:root { color-scheme: light dark; --line: light-dark(#c9d0d6, #414d5c); --quiet: light-dark(#545b64, #b6bec9);
  --back: light-dark(#f2f3f3, #0f1b2a); --panel: light-dark(#fff, #192534); }
body { margin: 1rem; background: var(--back); font: 14px/1.4 system-ui, sans-serif; }
.grid { display: grid; grid-template-columns: repeat(24, minmax(0, 1fr)); gap: .5rem; }
.panel { grid-column: span var(--width); min-width: 0; padding: .5rem; }
.panel { background: var(--panel); border: 1px solid var(--line); }
@media (max-width: 60rem) { .panel { grid-column: 1 / -1; } }
h3 { margin: 0 0 .25rem; font-size: 1rem; }
p, ul { margin: .25rem 0; } ul { padding: 0; list-style: none; }
.quiet, summary, caption { color: var(--quiet); text-align: left; }
.key { display: inline-block; width: .8em; height: .8em; margin-right: .4em; }
.number { display: inline-block; margin-right: 2rem; } .number b { display: block; font-size: 2rem; }
.table { overflow-x: auto; } table { border-collapse: collapse; } td, th { padding: .1rem .5rem; text-align: left; }
tr { border-top: 1px solid var(--line); } td.value { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; }
svg text { fill: var(--quiet); } .axis { stroke: var(--line); }
"""


def page(descriptions, run, log):
    """The page, and a line about each description."""
    first, last = (chart.clock(time, "%Y-%m-%d %H:%M:%S") for time in run.window())
    parts, told = [], []
    for name, panels in descriptions.items():
        made = [section(panel, run) for panel in panels]
        empty = sum(not is_filled for _, is_filled in made)
        told.append(f"{name}: {len(made)} panels, {len(made) - empty} with data, {empty} with the reason why not")
        parts.append(f'<h2 id="{name}">{name}</h2><p class="quiet">{escape(told[-1])}.</p>')
        parts.append(f'<div class="grid">{"".join(text for text, _ in made)}</div>')
    links = " · ".join(f'<a href="#{name}">{name}</a>' for name in descriptions)
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Dashboards of a local run</title><style>{STYLE}</style>"
    )
    about = (
        f"{escape(log)}, from {first} to {last} UTC. What is a minute in the files is {run.minute} s here. "
        "A count without a line is 0 on this page; CloudWatch leaves a gap. Percentiles are the nearest rank. "
        "AWS/Lambda is what the local AWS says of each invocation, with the start of the process."
    )
    body = f'<h1>Dashboards of a local run</h1><p class="quiet">{about}</p><p>{links}</p>{"".join(parts)}'
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{body}</body></html>\n', told


def section(panel, run):
    """A panel, and whether it has data."""
    content, is_filled = CONTENTS.get(panel.view, of_metrics)(panel, run)
    text = f'<section class="panel" style="--width: {panel.width}"><h3>{escape(panel.title)}</h3>{content}</section>'
    return text, is_filled


def of_metrics(panel, run):
    lines = list(evaluated.drawn(panel, run))
    filled = [line for line in lines if line.has_values()]
    content = ""
    if filled and panel.view in ("total", "latest"):
        content = numbers(panel, filled)
    elif filled:
        content = chart.svg(panel, filled, run) + legend(filled)
    if filled:
        content += table(panel, filled, run)
    return content + reasons(lines), bool(filled)


def numbers(panel, lines):
    def of(line):
        values = [value for value in line.values if value is not None]
        return chart.shown(sum(values) if panel.view == "total" else values[-1])

    return "".join(f'<span class="number"><b>{of(line)}</b>{escape(line.label)}</span>' for line in lines)


def legend(lines):
    keys = (
        f'<li><span class="key" style="background: {chart.colour(at)}"></span>{escape(line.label)}</li>'
        for at, line in enumerate(lines)
    )
    return f"<ul>{''.join(keys)}</ul>"


def table(panel, lines, run):
    """Leaves out the periods in which nothing happened."""
    times = run.buckets(lines[0].period)
    rows = [(time, [line.values[at] for line in lines]) for at, time in enumerate(times)]
    kept = [(time, values) for time, values in rows if any(values)]
    caption = f"{panel.unit}; UTC"
    if len(kept) < len(rows):
        caption += f". In {len(rows) - len(kept)} of {len(rows)} periods all are 0 or without a value"
    head = "".join(f'<th scope="col">{escape(line.label)}</th>' for line in lines)
    body = "".join(
        f'<tr><th scope="row">{chart.clock(time, "%H:%M:%S")}</th>'
        + "".join(f'<td class="value">{chart.shown(value)}</td>' for value in values)
        + "</tr>"
        for time, values in kept
    )
    return behind(f'<table><caption>{caption}</caption><tr><th scope="col">from</th>{head}</tr>{body}</table>')


def behind(content):
    return f'<details><summary>Table</summary><div class="table" tabindex="0">{content}</div></details>'


def reasons(lines):
    """Each reason once, with its lines."""
    found = {}
    for line in lines:
        if line.reason:
            found.setdefault(line.reason, []).append(line.label)
    return "".join(
        f'<p class="quiet">{escape(reason)} Without data: {escape(", ".join(labels))}.</p>'
        for reason, labels in found.items()
    )


def of_alarms(panel, run):
    names = escape(", ".join(panel.content))
    reason = f"Alarms are evaluated by AWS, not by a local run. There are {len(panel.content)}: {names}."
    return f'<p class="quiet">{reason}</p>', False


def of_text(panel, run):
    return f'<p class="quiet">A text, without a metric: {escape(panel.content)}</p>', False


def of_log(panel, run):
    try:
        names, rows = evaluated.found_by(panel.content, run)
    except ValueError as error:
        return f'<p class="quiet">{escape(error)}.</p>', False
    if not rows:
        return "<p>0 lines: nothing in the log of this run needs attention.</p>", True
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{escape(value)}</td>' for value in row)}</tr>" for row in rows)
    return f'<p>{len(rows)} lines</p><div class="table" tabindex="0"><table><tr>{head}</tr>{body}</table></div>', True


CONTENTS = {"alarms": of_alarms, "text": of_text, "log": of_log}


def escape(text):
    return html.escape(str(text))
