"""Records `learn` in a terminal, from a first unknown notification to a processed one, as
docs/learn.svg.

WEBHOOKS_STACK names the stack's description; the endpoint, the region and the credentials come from
the environment (AWS_*), and asciinema and termtosvg from PATH.
"""

import argparse
import base64
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

WIDTH, HEIGHT = 100, 34
# Longer waits are cut to this, in seconds. The end of the recording shows the real duration.
LONGEST_WAIT = 2
READING = 1.5
TENANT = "10000000-0000-4000-8000-000000000001"
COMPANY = f"/control/tenants/{TENANT}"
ACCOUNT = "4101"
EVENT = "KontoEndret"
BODY = {"hendelse": EVENT, "konto": {"nr": ACCOUNT, "status": "Aktiv"}}
END = "From the first unknown notification to a processed one"
SUBSCRIPTION = {"id": "local-erp", "secret": "local-erp-signing-secret", "route": "erp", "event": None}


def main():
    arguments = parse_arguments()
    if arguments.play:
        return play()
    stack = read_stack()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        wrap_program(folder / "visma-webhooks", arguments.binaries / "visma-webhooks", stack)
        environment = os.environ | {
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "VISMA_WEBHOOKS_TOKEN": token(stack),
            "TERM": "xterm-256color",
        }
        cast = folder / "learn.cast"
        command = shlex.join([sys.executable, __file__, "--play"])
        size = ["--cols", str(WIDTH), "--rows", str(HEIGHT)]
        record = ["asciinema", "rec", "--quiet", "--idle-time-limit", str(LONGEST_WAIT), *size, "--command", command, cast]
        make_company(stack)
        subprocess.run(record, check=True, env=environment, stdin=subprocess.DEVNULL)
        # asciinema succeeds even if the command fails.
        shown = "".join(json.loads(event)[2] for event in cast.read_text().splitlines()[1:])
        if END not in shown:
            sys.exit(f"The recording did not come to its end:\n{shown}")
        subprocess.run(["termtosvg", "render", cast, arguments.svg, "--loop-delay", "8000"], check=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", type=pathlib.Path, help="folder with the programs cargo built")
    parser.add_argument("--svg", type=pathlib.Path, help="where to write the recording")
    parser.add_argument("--play", action="store_true", help="only run what is recorded")
    return parser.parse_args()


def read_stack():
    return json.loads(pathlib.Path(os.environ["WEBHOOKS_STACK"]).read_text())


def wrap_program(wrapper, program, stack):
    """Puts the program on PATH. It finds the local stack without options that would distract a
    reader.
    """
    command = [program, "--stack", stack["stack_name"], "--set", f"ApiUrl={stack['api_url']}"]
    wrapper.write_text(f"#!/bin/sh\nexec {shlex.join(map(str, command))} \"$@\"\n")
    wrapper.chmod(0o755)


def token(stack):
    """A token with the roles that `learn` needs."""
    client = base64.b64encode(stack["outputs"]["OperationsRepairClient"].encode()).decode()
    scopes = " ".join(f"visma-webhooks/{role}" for role in ("read", "raw", "repair"))
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": scopes}).encode()
    request = urllib.request.Request(f"{stack['endpoint_url']}/oauth2/token", form)
    request.add_header("authorization", f"Basic {client}")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["access_token"]


def make_company(stack):
    """Creates a company with the account in the ERP, and a subscription."""
    tell(stack, "POST", "/control/tenants", {"tenantId": TENANT, "companyId": "7000001"})
    tell(stack, "PUT", f"{COMPANY}/subscriptions", [SUBSCRIPTION])
    tell(stack, "PUT", f"{COMPANY}/resources/account/{ACCOUNT}", {})


def play():
    stack = read_stack()
    say("Visma Net delivers a body whose names nobody knows:")
    print(json.dumps(BODY), flush=True)
    begun = time.monotonic()
    emitted = tell(stack, "POST", f"{COMPANY}/emit", {"items": [{"event": EVENT}], "sending": {"body": json.dumps(BODY)}})
    print(f"HTTP {emitted['deliveries'][0]['attempts'][0]['status']}\n", flush=True)
    wait_for("parked")
    say("It is kept and parked. No event is published, and the accountant is told nothing.")
    run("tail", "--tenant", TENANT, "--once")
    say("What does it mean?")
    run("learn", "--event", EVENT, "--plan")
    say("Right. Write that into the settings, and replay it:")
    run("learn", "--event", EVENT)
    run("tail", "--tenant", TENANT, "--once")
    say(f"{END}: {time.monotonic() - begun:.0f} seconds.")
    time.sleep(LONGEST_WAIT)


def wait_for(state):
    """Waits until a record of the tenant is in this state."""
    deadline = time.monotonic() + 60
    command = ["visma-webhooks", "tail", "--tenant", TENANT, "--once", "--output", "json"]
    while state not in subprocess.run(command, capture_output=True, text=True).stdout:
        if time.monotonic() > deadline:
            sys.exit(f"nothing was {state} within a minute")
        time.sleep(0.5)


def run(*arguments):
    show("$ " + shlex.join(("visma-webhooks", *arguments)))
    subprocess.run(["visma-webhooks", *arguments], check=True)
    print(flush=True)
    time.sleep(LONGEST_WAIT)


def say(line):
    show(f"$ # {line}")


def show(line):
    """Prints a whole line at once: letter by letter the recording would take half a megabyte."""
    print(line, flush=True)
    time.sleep(READING)


def tell(stack, method, path, body):
    """Sends a request to the stand-in for Visma Net."""
    request = urllib.request.Request(stack["standin_url"] + path, json.dumps(body).encode(), method=method)
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or "null")


if __name__ == "__main__":
    main()
