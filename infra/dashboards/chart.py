"""A panel's lines as an SVG image."""

import datetime
import html

COLOURS = ["#0073bb", "#e07941", "#2ca02c", "#9467bd", "#d62728", "#8c564b", "#1496a6", "#7f7f7f"]
HEIGHT, LEFT, TOP, BOTTOM = 150, 46, 14, 130
# The width of each of the 24 columns.
COLUMN = 40


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
