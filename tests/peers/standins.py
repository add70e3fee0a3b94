"""Stand-ins for Lambda and AWS in check.py: a Runtime API, and the used parts of three services."""

import hashlib
import http.server
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
import uuid

PEERS = pathlib.Path(__file__).resolve().parent
ANSWERS_WITHIN_SECONDS = 30
QUEUE = "/000000000000/notifications"


class Server(http.server.ThreadingHTTPServer):
    """Serves one owner, whose `answer(method, path, headers, body)` returns status, headers and body."""

    daemon_threads = True

    def __init__(self, owner):
        self.owner = owner
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.server_address[1]

    def handle_error(self, *_):
        """A killed function leaves its connections open."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*_)

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes, and the second would wait for the acknowledgement of the
    # first.
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status, headers, body = self.server.owner.answer(self.command, self.path, self.headers, body)
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, *_):
        pass


class RuntimeApi:
    """Sends one event at a time, like Lambda."""

    def __init__(self):
        self.events = queue.Queue()
        self.answers = queue.Queue()
        self.server = Server(self)

    def invoke(self, event):
        """Returns the function's answer. Raises AssertionError if it fails or does not answer."""
        self.events.put(event)
        try:
            kind, document = self.answers.get(timeout=ANSWERS_WITHIN_SECONDS)
        except queue.Empty:
            raise AssertionError("the function did not answer") from None
        assert kind == "response", f"{kind}: {document}"
        return document

    def answer(self, method, path, _, body):
        if method == "GET":
            event = self.events.get()
            return 200, self.describe_invocation(), json.dumps(event).encode()
        self.answers.put((path.rsplit("/", 1)[1], json.loads(body)))
        return 202, {}, b"{}"

    @staticmethod
    def describe_invocation():
        return {
            "content-type": "application/json",
            "lambda-runtime-aws-request-id": str(uuid.uuid4()),
            "lambda-runtime-deadline-ms": str(int(time.time() * 1000) + 10_000),
            "lambda-runtime-invoked-function-arn": "arn:aws:lambda:eu-north-1:000000000000:function:peer",
            "lambda-runtime-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0",
        }

    def stop(self):
        self.events.put(None)
        self.server.stop()


class Refusal(Exception):
    def __init__(self, status, code):
        super().__init__(code)
        self.status = status
        self.code = code


class Aws:
    """Secrets Manager, SQS and DynamoDB behind one address. Remembers the calls."""

    def __init__(self, settings):
        self.settings = json.dumps(settings)
        self.lock = threading.Lock()
        self.reset()
        self.server = Server(self)

    def reset(self):
        self.calls = []
        self.items = {}
        # Called before each request. It may raise a Refusal, which becomes the answer.
        self.fault = lambda operation, asked: None

    def of(self, operation):
        return [asked for name, asked in self.calls if name == operation]

    def answer(self, _, path, headers, body):
        operation = headers["x-amz-target"].rsplit(".", 1)[1]
        asked = json.loads(body)
        with self.lock:
            self.calls.append((operation, asked))
            try:
                self.fault(operation, asked)
                status, answer = 200, getattr(self, f"on_{operation}")(asked)
            except Refusal as refusal:
                status, answer = refusal.status, {"__type": f"com.amazonaws#{refusal.code}", "message": "refused"}
        content_type = headers["content-type"]
        return status, {"content-type": content_type, "x-amzn-requestid": "1"}, json.dumps(answer).encode()

    def on_GetSecretValue(self, asked):
        return {"ARN": "arn", "Name": asked["SecretId"], "VersionId": "1", "SecretString": self.settings}

    def on_SendMessage(self, asked):
        digest = hashlib.md5(asked["MessageBody"].encode(), usedforsecurity=False).hexdigest()
        return {"MessageId": str(uuid.uuid4()), "MD5OfMessageBody": digest}

    def on_UpdateItem(self, asked):
        names, values = asked.get("ExpressionAttributeNames", {}), asked["ExpressionAttributeValues"]
        item = self.items.get(key_of(asked["Key"]), {})
        self.check(asked["ConditionExpression"], item, values)
        changes = {}
        for assignment in asked["UpdateExpression"].removeprefix("SET ").split(", "):
            name, value = assignment.split(" = ")
            changes[names.get(name, name)] = values[value]
        self.items[key_of(asked["Key"])] = {**asked["Key"], **item, **changes}
        return {}

    def on_PutItem(self, asked):
        key = key_of(asked["Item"])
        self.check(asked["ConditionExpression"], self.items.get(key, {}), {})
        self.items[key] = asked["Item"]
        return {}

    def check(self, condition, item, values):
        """Evaluates the two kinds of condition that the peers use, joined by OR. Refuses others."""
        if not any(self.holds(part, item, values) for part in condition.split(" OR ")):
            raise Refusal(400, "ConditionalCheckFailedException")

    @staticmethod
    def holds(part, item, values):
        if absent := re.fullmatch(r"attribute_not_exists\((\w+)\)", part):
            return absent[1] not in item
        if not_later := re.fullmatch(r"(\w+) <= (:\w+)", part):
            known = item.get(not_later[1])
            return known is not None and int(known["N"]) <= int(values[not_later[2]]["N"])
        raise Refusal(400, "ValidationException")

    def stop(self):
        self.server.stop()


def key_of(attributes):
    return attributes["pk"]["S"], attributes["sk"]["S"]


class Function:
    """A peer's handler as a process."""

    def __init__(self, peer, handler, aws):
        self.api = RuntimeApi()
        self.output = tempfile.TemporaryFile()
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": self.api.server.address,
            "AWS_ENDPOINT_URL": f"http://{aws.server.address}",
            "AWS_REGION": "eu-north-1",
            "AWS_DEFAULT_REGION": "eu-north-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "SETTINGS_SECRET_ID": "settings",
            "NOTIFICATIONS_QUEUE_URL": f"http://{aws.server.address}{QUEUE}",
            "TABLE_NAME": "table",
        }
        if "PEERS_DIR" in os.environ:
            environment["PEERS_DIR"] = os.environ["PEERS_DIR"]
        self.process = subprocess.Popen(
            [PEERS / peer / "bootstrap", handler],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        """Tells a waiting caller that there will be no answer."""
        self.api.answers.put(("the process ended", self.process.wait()))

    def invoke(self, event):
        try:
            return self.api.invoke(event)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None

    def log(self):
        self.output.seek(0)
        return self.output.read().decode()

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.api.stop()
        self.output.close()
