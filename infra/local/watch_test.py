"""Invokes each function that `cargo lambda watch` runs with its event of infra/events, as in
infra/CARGO-LAMBDA.md.

cargo-lambda comes from PATH. The local stack has run the demo, so the account of the events exists.
"""

import argparse
import json
import subprocess
import sys

NOTHING_COMES_AGAIN = {"batchItemFailures": []}
# A part of the answer to each function's event. Intake is the last, since the deployed processor
# takes what it accepts.
EXPECTED = {
    "repair": NOTHING_COMES_AGAIN,
    "reconciler": {"expired": 0},
    "processor": NOTHING_COMES_AGAIN,
    "feedback": NOTHING_COMES_AGAIN,
    "operations": {"statusCode": 200},
    "intake": {"statusCode": 202},
}


def main():
    arguments = parse_arguments()
    for name, expected in EXPECTED.items():
        answer = invoke(name, arguments)
        if not expected.items() <= answer.items():
            sys.exit(f"FAILED: {name} answers {answer}, and not {expected}")
        print(f"        ok: {name} answers infra/events/{name}.json", flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", required=True)
    return parser.parse_args()


def invoke(name, arguments):
    command = ["cargo", "lambda", "invoke", "-A", arguments.address, "-P", arguments.port]
    command += ["--data-file", f"infra/events/{name}.json", name]
    # The first call builds the function.
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=600)
    if answer.returncode:
        sys.exit(f"FAILED: `{' '.join(command)}` ended with {answer.returncode}")
    return json.loads(answer.stdout)


if __name__ == "__main__":
    main()
