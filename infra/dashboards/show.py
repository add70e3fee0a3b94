"""Shows both dashboards, CloudWatch's and Grafana's, with the values of a local run's log.

    python3 infra/dashboards/show.py --runs .local --output .local/dashboards.html

Writes one self-contained page. At a terminal it opens the page in a browser.
"""

import argparse
import os
import pathlib
import sys
import webbrowser

import counted
import described
import page

FOLDER = pathlib.Path(__file__).parent
# Files of a run's folder: the output of all functions; for older runs, that of the functions that a
# queue invoked.
LOGS = ("functions.log", "ministack.log")


def main():
    arguments = parse_arguments()
    log = arguments.log or newest(arguments.runs)
    run = counted.read(log.read_text(errors="replace"))
    if not run.window():
        sys.exit(f"{log} has no metric: no function has written a line with `_aws` yet")
    run.look_closer()
    descriptions = {
        "CloudWatch": list(described.cloudwatch((FOLDER / "cloudwatch.yaml").read_text())),
        "Grafana": list(described.grafana((FOLDER / "grafana.json").read_text())),
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    text, told = page.page(descriptions, run, log)
    arguments.output.write_text(text)
    for line in told:
        print(f"      {line}")
    print(f"      From {log}\n      {arguments.output.resolve()}")
    if sys.stdout.isatty() and has_browser():
        webbrowser.open(arguments.output.resolve().as_uri())


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=pathlib.Path, help="the log of a run; without it, that of the newest run")
    parser.add_argument("--runs", type=pathlib.Path, default=pathlib.Path(".local"), help="where the runs' folders are")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(".local/dashboards.html"))
    return parser.parse_args()


def newest(runs):
    """The log of the run that was last written to."""
    of_runs = [[run / name for name in LOGS if (run / name).is_file()] for run in runs.glob("*/")]
    logs = [logs[0] for logs in of_runs if logs]
    if not logs:
        sys.exit(f"There is no run in {runs} to show. `cargo xtask up` makes one, and so does --demo.")
    return max(logs, key=lambda log: log.stat().st_mtime)


def has_browser():
    """Whether there is a graphical browser. One that draws in the terminal does not count."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


if __name__ == "__main__":
    main()
