"""Runs MiniStack and records the calls of roles: a line of JSON for each call that differs from all
before it.

RECORD_CALLS names the file; without it nothing is written. A line has the role, the operation and
the resource of the request, but no message and no attributes of an item. In any case, user pools
issue their tokens with an address of this machine, so that people sign in with any browser and
without a network.

RECORD_OUTPUT names a file for the output of the functions, between lines for the start and the end
of each invocation. MiniStack's own log has only invocations by queues.
"""

import json
import os
import re
import threading
import time

from ministack import app as ministack
from ministack.services import cognito, lambda_svc, sts

ACCESS_KEY = re.compile(r"Credential=([^/]+)/")
# The value with which a query compares the partition.
PARTITION = re.compile(r" = (:\w+)")
# The fields that name the resource.
ADDRESS = ("TableName", "IndexName", "QueueUrl", "SecretId", "KeyConditionExpression", "RequestItems")


def main():
    issue_here(f"http://{os.environ['MINISTACK_HOST']}:{os.environ['GATEWAY_PORT']}")
    path = os.environ.get("RECORD_OUTPUT")
    if path:
        lambda_svc._emit_lambda_logs = repeating(lambda_svc._emit_lambda_logs, open(path, "a"))
    path = os.environ.get("RECORD_CALLS")
    if path:
        # A restart continues the same file.
        with open(path, "a", buffering=1) as file:
            ministack.app = recording(ministack.app, file)
            ministack.main()
    else:
        ministack.main()


def issue_here(base):
    """MiniStack 1.5.33 issues tokens with an address on AWS. This uses the address of this machine,
    so that a browser finds the user pool.
    """
    sign, describe = cognito._signed_jwt, cognito.well_known_openid_configuration

    def signed(claims, pool_id="", use=""):
        own = {"iss": f"{base}/{pool_id}"} if pool_id else {}
        return sign(claims | own, pool_id, use)

    def described(pool_id, *request):
        status, headers, body = describe(pool_id, *request)
        return status, headers, json.dumps(json.loads(body) | {"issuer": f"{base}/{pool_id}"}).encode()

    cognito._signed_jwt, cognito.well_known_openid_configuration = signed, described


def repeating(emit, file):
    """Handles an invocation's output like MiniStack 1.5.33, and writes it to a file, too."""
    turn = threading.Lock()

    def emitted(function, request_id, output, error, duration_ms, **more):
        emit(function, request_id, output, error, duration_ms, **more)
        name = (function.get("config") or function).get("FunctionName", "")
        status = "error" if error else "success"
        end = {"functionName": name, "time": time.time(), "status": status, "durationMs": duration_ms}
        lines = [platform("start", {"functionName": name}), *(output or "").splitlines(), platform("report", end)]
        with turn:
            file.write("\n".join(lines) + "\n")
            file.flush()

    return emitted


def platform(kind, record):
    return json.dumps({"type": f"platform.{kind}", "record": record})


def recording(app, file):
    """Wraps the application and records its requests."""
    known = set()

    async def listened(scope, receive, send):
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}
        role = role_of(headers.get("authorization", ""))
        if scope["type"] != "http" or role is None or "x-amz-target" not in headers:
            return await app(scope, receive, send)
        body = bytearray()

        async def heard():
            message = await receive()
            body.extend(message.get("body", b""))
            if message["type"] == "http.request" and not message.get("more_body"):
                note(headers["x-amz-target"], role, bytes(body))
            return message

        return await app(scope, heard, send)

    def note(target, role, body):
        call = {"role": role, "operation": target.rsplit(".", 1)[-1], "request": address(json.loads(body))}
        line = json.dumps(call, sort_keys=True)
        if line not in known:
            known.add(line)
            file.write(line + "\n")

    return listened


def role_of(authorization):
    """The name of the role that signed, or None for other callers."""
    key = ACCESS_KEY.search(authorization)
    session = sts._sessions.get(key.group(1)) if key else None
    arn = (session or {}).get("Arn", "")
    return arn.split("/")[1] if ":assumed-role/" in arn else None


def address(request):
    kept = {name: request[name] for name in ADDRESS if name in request}
    for name in ("Item", "Key"):
        if name in request:
            kept[name] = {"pk": request[name].get("pk")}
    partition = PARTITION.search(request.get("KeyConditionExpression", ""))
    if partition:
        name = partition.group(1)
        kept["ExpressionAttributeValues"] = {name: request["ExpressionAttributeValues"][name]}
    return kept


if __name__ == "__main__":
    main()
