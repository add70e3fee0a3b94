"""Runs the `visma-webhooks` commands of infra/DEPLOY.md up to the first notification, against the
local AWS.

WEBHOOKS_STACK names the stack's description; the endpoint, the region and the credentials come from
the environment (AWS_*).
"""

import argparse
import json
import os
import pathlib
import re
import secrets
import shlex
import subprocess
import sys

import boto3

GUIDE = pathlib.Path(__file__).parent.parent / "DEPLOY.md"
# The sentence after the commands up to the first notification.
END = "For the commands from here on:"
# These commands also report what the local AWS lacks about the account and the tenants: exit code 1
# for a failed check, 5 for an unknown one.
REPORTS = {"deploy-check": (0, 1, 5), "doctor": (0, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", type=pathlib.Path, required=True, help="folder with the programs cargo built")
    program = parser.parse_args().binaries / "visma-webhooks"
    stack = json.loads(pathlib.Path(os.environ["WEBHOOKS_STACK"]).read_text())
    document = boto3.client("secretsmanager").get_secret_value(SecretId=stack["outputs"]["SettingsSecretArn"])
    visma = json.loads(document["SecretString"])["visma"]
    values = {"CLIENT": visma["client_id"], "SUBSCRIPTION": "of-the-walk"}
    pasted = {"client": visma["client_secret"], "subscriptions": secrets.token_urlsafe(32)}
    # The stack's outputs do not have the local API's address.
    reach = ["--stack", stack["stack_name"], "--set", f"ApiUrl={stack['api_url']}"]
    ran = [run(program, command, reach, values, pasted) for command in commands()]
    expected = ["deploy-check", "client", "subscriptions", "doctor", "send"]
    if ran != expected:
        sys.exit(f"FAILED: the guide has {ran}, not {expected}")


def commands():
    """The guide's `visma-webhooks` commands, up to the first notification."""
    steps, _, rest = GUIDE.read_text().partition(END)
    if not rest:
        sys.exit(f"FAILED: {GUIDE.name} lacks the sentence {END!r}")
    lines = "".join(re.findall(r"```sh\n(.*?)```", steps, re.DOTALL)).splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("visma-webhooks ")]


def run(program, command, reach, values, pasted):
    name = command[0]
    words = [values.get(word, word) for word in command]
    print(f"      visma-webhooks {' '.join(words)}", flush=True)
    done = subprocess.run([program, *reach, *words], input=pasted.get(name, ""), capture_output=True, text=True)
    if done.returncode not in REPORTS.get(name, (0,)):
        sys.exit(f"FAILED: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    if name == "send" and "202" not in done.stdout:
        sys.exit(f"FAILED: the notification was not accepted\n{done.stdout}{done.stderr}")
    last = (done.stdout.strip().splitlines() or ["nothing said"])[-1]
    print(f"        ok: {last}", flush=True)
    return name


if __name__ == "__main__":
    main()
