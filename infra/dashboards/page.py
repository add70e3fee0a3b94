"""The page: each panel as a chart with a table behind it, in self-contained HTML."""

import datetime
import html

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
COLOURS = ["#0073bb", "#e07941", "#2ca02c", "#9467bd", "#d62728", "#8c564b", "#1496a6", "#7f7f7f"]
HEIGHT, LEFT, TOP, BOTTOM = 150, 46, 14, 130
# The width of each of the 24 columns in a chart.
COLUMN = 40


def page(descriptions, run, log):
    """The page, and a line about each description."""
    first, last = (clock(time, "%Y-%m-%d %H:%M:%S") for time in run.window())
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
        content = svg(panel, filled, run) + legend(filled)
    if filled:
        content += table(panel, filled, run)
    return content + reasons(lines), bool(filled)


def numbers(panel, lines):
    def of(line):
        values = [value for value in line.values if value is not None]
        return shown(sum(values) if panel.view == "total" else values[-1])

    return "".join(f'<span class="number"><b>{of(line)}</b>{escape(line.label)}</span>' for line in lines)


def legend(lines):
    keys = (
        f'<li><span class="key" style="background: {colour(at)}"></span>{escape(line.label)}</li>'
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
        f'<tr><th scope="row">{clock(time, "%H:%M:%S")}</th>'
        + "".join(f'<td class="value">{shown(value)}</td>' for value in values)
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


def colour(at):
    return COLOURS[at % len(COLOURS)]


def shown(value):
    if value is None:
        return ""
    is_whole = abs(value) >= 1000 or float(value).is_integer()
    return f"{value:,.0f}" if is_whole else f"{value:.3g}"


def clock(seconds, form):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime(form)


def svg(panel, lines, run):
    """The chart of a panel's lines."""
    times = run.buckets(lines[0].period)
    width = panel.width * COLUMN
    heights = [sum(line.values[at] or 0 for line in lines) for at in range(len(times))]
    values = [value for line in lines for value in line.values if value is not None]
    highest = max(heights if panel.view == "stacked" else values) or 1

    def place(at, value):
        across = (at + 0.5) / len(times)
        return LEFT + across * (width - LEFT - 8), BOTTOM - value / highest * (BOTTOM - TOP)

    draw = bars if panel.view == "stacked" else curves
    labels = html.escape(", ".join(line.label for line in lines))
    first, last = clock(times[0], "%H:%M:%S"), clock(times[-1], "%H:%M:%S")
    return (
        f'<svg viewBox="0 0 {width} {HEIGHT}" role="img" font-size="11"'
        f' aria-label="{html.escape(panel.title)}: {labels}">'
        f'<path class="axis" d="M{LEFT},{TOP} V{BOTTOM} H{width - 8}" fill="none"/>'
        f'<text x="{LEFT - 4}" y="{TOP + 4}" text-anchor="end">{shown(highest)}</text>'
        f'<text x="{LEFT + 4}" y="{TOP}">{panel.unit}</text>'
        f'<text x="{LEFT - 4}" y="{BOTTOM}" text-anchor="end">0</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 6}">{first}</text>'
        f'<text x="{width - 8}" y="{HEIGHT - 6}" text-anchor="end">{last}</text>'
        f"{''.join(draw(lines, place))}</svg>"
    )


def curves(lines, place):
    """Leaves a gap without a measurement."""
    for index, line in enumerate(lines):
        parts, dots = [], []
        for at, value in enumerate(line.values):
            if value is None:
                continue
            x, y = place(at, value)
            is_next = at > 0 and line.values[at - 1] is not None
            parts.append(f"{'L' if is_next else 'M'}{x:.1f},{y:.1f}")
            dots.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour(index)}"/>')
        yield f'<path d="{" ".join(parts)}" fill="none" stroke="{colour(index)}"/>' + "".join(dots)


def bars(lines, place):
    count = len(lines[0].values)
    wide = max(1, (place(1, 0)[0] - place(0, 0)[0]) * 0.7)
    for at in range(count):
        below = 0
        for index, line in enumerate(lines):
            value = line.values[at] or 0
            (x, low), (_, high) = place(at, below), place(at, below + value)
            if value:
                size = f'width="{wide:.1f}" height="{low - high:.1f}"'
                yield f'<rect x="{x - wide / 2:.1f}" y="{high:.1f}" {size} fill="{colour(index)}"/>'
            below += value
