"""Runs each peer's handlers like Lambda, with stand-ins for AWS, and checks their answers, requests
and writes.

Installs the peers first if needed. Takes unittest's options; -v shows each check.
"""

import base64
import hmac
import json
import pathlib
import subprocess
import sys
import unittest
import uuid

# No compiled files beside the sources.
sys.dont_write_bytecode = True

from standins import PEERS, QUEUE, Aws, Function, Refusal  # noqa: E402

PEER_NAMES = ("python", "node")
SETTINGS = pathlib.Path(PEERS.parent.parent, "infra", "local", "settings.json")
SECRET = "local-erp-signing-secret"
TENANT = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a001"
OTHER_TENANT = "10000000-0000-4000-8000-000000000001"
TICKS = 638_990_000_000_000_001


def settings():
    """The local stack's settings with another route: its secret is being rotated, and it serves one
    tenant.
    """
    document = json.loads(SETTINGS.read_text())
    secrets = [
        {"id": "expired", "value": "expired-secret", "expires_at": "2020-01-01T00:00:00Z"},
        {"id": "old", "value": "old-secret", "expires_at": "2999-01-01T00:00:00Z"},
        {"id": "new", "value": "new-secret"},
        {"id": "empty", "value": ""},
    ]
    rotated = {"id": "rotated", "route": "rotated", "event": "ACCOUNT_CHANGED", "tenants": [TENANT.upper()]}
    document["subscriptions"].append({**rotated, "secrets": secrets})
    return document


def notification(key="1920", ticks=TICKS, **fields):
    return {
        "notificationId": str(uuid.uuid4()),
        "contextId": "7000001",
        "event": "ACCOUNT_CHANGED",
        "relativeResourceUri": f"v1/account/{key}",
        "timeStamp": ticks,
        "source": "User",
        **fields,
    }


def sign(secret, body):
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def request(body, secret=SECRET, route="erp", headers=None):
    """The event of API Gateway (payload format 2.0). Binary bodies are in base64."""
    try:
        text, is_base64 = body.decode(), False
    except UnicodeDecodeError:
        text, is_base64 = base64.b64encode(body).decode(), True
    signature = {} if secret is None else {"x-vwd-signature-v1": sign(secret, body)}
    path = f"/hooks/visma/{route}"
    given = {"content-type": "application/json", "x-vwd-tenant-id": TENANT, "x-forwarded-for": "192.0.2.1"}
    return {
        "version": "2.0",
        "routeKey": "ANY /hooks/{proxy+}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {**given, **signature, **(headers or {})},
        "requestContext": {"stage": "$default", "http": {"method": "POST", "path": path, "sourceIp": "192.0.2.1"}},
        "body": text,
        "isBase64Encoded": is_base64,
    }


def message(body, **meta):
    """The message of intake: of the peers' or of the project's own."""
    line = {
        "encoding": "text",
        "id": str(uuid.uuid4()),
        "channel": "dispatcher",
        "origin": "webhook",
        "subscription": "local-erp",
        "received_at": "2026-11-23T12:00:00.123456789Z",
        "headers": {"x-vwd-tenant-id": TENANT},
        **meta,
    }
    return json.dumps(line) + "\n" + (body if isinstance(body, str) else json.dumps(body))


def batch(*bodies):
    record = {
        "receiptHandle": "handle",
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1795435200000"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-north-1:000000000000:notifications",
        "awsRegion": "eu-north-1",
    }
    return {"Records": [{**record, "messageId": f"m{at}", "body": body} for at, body in enumerate(bodies)]}


def failed(answer):
    return {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}


class Peer:
    """All checks of a class share a process, so that most find it warm."""

    handler = None
    peer = None

    @classmethod
    def setUpClass(cls):
        cls.aws = Aws(settings())
        cls.addClassCleanup(cls.aws.stop)
        cls.function = Function(cls.peer, cls.handler, cls.aws)
        cls.addClassCleanup(cls.function.stop)

    def setUp(self):
        self.aws.reset()


class Intake(Peer):
    handler = "intake"

    def post(self, *arguments, **options):
        answer = self.function.invoke(request(*arguments, **options))
        return answer["statusCode"], answer

    def sent(self):
        """The sent messages, as group, header line and body."""
        sent = self.aws.of("SendMessage")
        for one in sent:
            self.assertTrue(one["QueueUrl"].endswith(QUEUE))
        return [(one["MessageGroupId"], *one["MessageBody"].split("\n", 1)) for one in sent]

    def test_a_signed_delivery_is_queued_with_one_call_and_acknowledged(self):
        body = json.dumps(notification(description="Ærlig\u2028 Øl"), ensure_ascii=False).encode()
        self.post(b"{}")
        self.aws.reset()
        status, answer = self.post(body)
        self.assertEqual(status, 202)
        # The settings were read once before.
        self.assertEqual([operation for operation, _ in self.aws.calls], ["SendMessage"])
        [(group, line, queued)] = self.sent()
        self.assertEqual((group, queued), (TENANT, body.decode()))
        line = json.loads(line)
        self.assertEqual(line["id"], json.loads(answer["body"])["delivery"])
        self.assertEqual(line["subscription"], "local-erp")
        self.assertEqual(line["encoding"], "text")
        self.assertEqual(line["headers"]["x-vwd-tenant-id"], TENANT)
        self.assertNotIn("x-forwarded-for", line["headers"])

    def test_binary_bodies_are_verified_as_they_are_and_queued_in_base64(self):
        body = b"\xff\x00{}"
        self.assertEqual(self.post(body)[0], 202)
        [(_, line, queued)] = self.sent()
        self.assertEqual((json.loads(line)["encoding"], base64.b64decode(queued)), ("base64", body))

    def test_text_that_sqs_rejects_is_queued_in_base64(self):
        body = b'{"a": "\x01\xef\xbf\xbe"}'
        self.assertEqual(self.post(body)[0], 202)
        [(_, line, queued)] = self.sent()
        self.assertEqual((json.loads(line)["encoding"], base64.b64decode(queued)), ("base64", body))

    def test_accepts_exactly_the_live_secrets(self):
        for secret, expected in [("old-secret", 202), ("new-secret", 202), ("expired-secret", 401), ("", 401)]:
            with self.subTest(secret):
                self.assertEqual(self.post(b"{}", secret, "rotated")[0], expected)
        self.assertEqual(self.post(b"{}", SECRET, "rotated")[0], 401)

    def test_a_subscriptions_only_tenant_is_the_group_despite_headers(self):
        self.post(b"{}", "new-secret", "rotated", headers={"x-vwd-tenant-id": OTHER_TENANT})
        self.post(b"{}", headers={"x-vwd-tenant-id": "not a name"})
        (group, line, _), (unknown, _, _) = self.sent()
        self.assertEqual((group, unknown), (TENANT, "unknown"))
        self.assertEqual((json.loads(line)["tenant"], json.loads(line)["event"]), (TENANT, "ACCOUNT_CHANGED"))

    def test_refuses_a_missing_malformed_or_foreign_signature(self):
        other = {"x-vwd-signature-v1": sign(SECRET, b"{ }")}
        self.assertEqual(self.post(b"{}", "another-secret")[0], 401)
        self.assertEqual(self.post(b"{}", None)[0], 401)
        self.assertEqual(self.post(b"{}", headers=other)[0], 401)
        self.assertEqual(self.post(b"{}", headers={"x-vwd-signature-v1": "Ø"})[0], 401)
        self.assertEqual(self.aws.calls, [])

    def test_refuses_a_body_that_does_not_fit_the_queue(self):
        self.assertEqual(self.post(b"x" * 1_032_192)[0], 202)
        self.aws.reset()
        self.assertEqual(self.post(b"x" * 1_032_193)[0], 413)
        # Base64 makes it a third longer.
        self.assertEqual(self.post(b"\xff" * 800_000)[0], 413)
        self.assertEqual(self.aws.calls, [])

    def test_routes_without_signatures_are_unknown(self):
        for route in ["other", "legacy", "erp/more", ""]:
            with self.subTest(route):
                self.assertEqual(self.post(b"{}", route=route)[0], 404)
        self.assertEqual(self.aws.calls, [])

    def test_answers_503_when_the_queue_refuses(self):
        for status, code in [(500, "InternalError"), (403, "AccessDeniedException")]:
            with self.subTest(code):

                def refuse(*_, refusal=Refusal(status, code)):
                    raise refusal

                self.aws.fault = refuse
                status, answer = self.post(b"{}")
                self.assertEqual((status, answer["headers"]["retry-after"]), (503, "5"))
        self.aws.reset()
        self.assertEqual(self.post(b"{}")[0], 202)

    def test_the_log_has_metrics_and_no_secrets(self):
        self.post(b'{"name": "CANARY"}')
        self.post(b'{"name": "CANARY"}', "another-secret")
        log = self.function.log()
        lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        metrics = [line for line in lines if "_aws" in line]
        self.assertTrue(any(line.get("Accepted") == [1] or line.get("Accepted") == 1 for line in metrics), log)
        self.assertTrue(any("ColdStart" in line for line in metrics), log)
        self.assertTrue(any(line.get("message") == "accepted" and line["tenant"] == TENANT for line in lines), log)
        for secret in ["CANARY", SECRET, sign(SECRET, b'{"name": "CANARY"}')]:
            self.assertNotIn(secret, log)


class Processor(Peer):
    handler = "processor"

    def process(self, *bodies):
        return failed(self.function.invoke(batch(*bodies)))

    def states(self):
        return sorted(item["state"]["S"] for (_, sk), item in self.aws.items.items() if sk != "HEAD")

    def head(self, key="1920"):
        return self.aws.items[f"{TENANT}#account#{key}", "HEAD"]

    def test_a_notification_writes_its_head_and_the_ledger_once(self):
        one = notification()
        self.assertEqual(self.process(message(one)), set())
        self.assertEqual([operation for operation, _ in self.aws.calls], ["UpdateItem", "PutItem"])
        self.assertEqual(self.states(), ["processed"])
        # A number beyond 2^53 would not survive a float.
        self.assertEqual(self.head()["version"]["N"], str(TICKS))
        [ledger] = [item for (_, sk), item in self.aws.items.items() if sk != "HEAD"]
        self.assertEqual(json.loads(ledger["raw"]["S"]), one)
        self.assertTrue(ledger["sk"]["S"].endswith("." + one["notificationId"]))

    def test_a_poison_record_fails_alone(self):
        poison = ["not a message of ours", message("not json"), message("5"), message([notification(), 5])]
        answer = self.process(message(notification("1")), *poison, message(notification("2")))
        self.assertEqual(answer, {"m1", "m2", "m3", "m4"})
        self.assertEqual(self.states(), ["processed", "processed"])

    def test_a_batch_of_poison_is_reported_record_by_record(self):
        self.assertEqual(self.process("x", "y"), {"m0", "m1"})
        self.assertEqual(self.aws.calls, [])

    def test_a_repeated_record_changes_nothing(self):
        record = message(notification())
        self.process(record)
        before = dict(self.aws.items)
        self.assertEqual(self.process(record), set())
        heads = [item for item in self.aws.items.values() if item["sk"]["S"] == "HEAD"]
        self.assertEqual(len(heads), 1)
        self.assertEqual(heads[0]["version"], before[f"{TENANT}#account#1920", "HEAD"]["version"])
        ledger = {key: item for key, item in self.aws.items.items() if key[1] != "HEAD"}
        self.assertEqual(ledger, {key: item for key, item in before.items() if key[1] != "HEAD"})

    def test_a_record_twice_in_a_batch_is_recorded_once(self):
        record = message(notification())
        self.assertEqual(self.process(record, record), set())
        self.assertEqual(self.states(), ["processed"])

    def test_a_head_moves_only_forward(self):
        newer, older = notification(ticks=TICKS + 2), notification(ticks=TICKS + 1)
        self.process(message(newer))
        before = self.head()
        self.assertEqual(self.process(message(older)), set())
        self.assertEqual(self.head(), before)
        self.assertEqual(self.states(), ["processed", "superseded"])
        self.process(message(notification(ticks=TICKS + 3, event="ACCOUNT_DELETED")))
        self.assertEqual((self.head()["version"]["N"], self.head()["deleted"]["BOOL"]), (str(TICKS + 3), True))

    def test_each_element_of_an_array_is_a_notification(self):
        self.assertEqual(self.process(message([notification("1"), notification("2")])), set())
        self.assertEqual(self.states(), ["processed", "processed"])
        self.assertEqual(self.head("1")["version"], self.head("2")["version"])

    def test_uses_the_time_of_receipt_without_a_time_of_change(self):
        self.process(message(notification(ticks=None)))
        # 2026-11-23T12:00:00.123 UTC. Not every language has less than a millisecond.
        self.assertEqual(int(self.head()["version"]["N"]) // 10_000, 63_931_032_000_123)

    def test_reads_a_body_in_base64(self):
        body = base64.b64encode(json.dumps(notification()).encode()).decode()
        self.assertEqual(self.process(message(body, encoding="base64")), set())
        self.assertEqual(self.states(), ["processed"])

    def test_a_notification_without_entity_has_no_head(self):
        self.assertEqual(self.process(message({"event": "COMPANY_CHANGED"})), set())
        self.assertEqual([operation for operation, _ in self.aws.calls], ["PutItem"])

    def test_a_failed_write_fails_only_its_record_and_can_be_repeated(self):
        good, bad = message(notification("1")), message(notification("2"))

        def fault(operation, asked):
            if operation == "PutItem" and "#account#2" in asked["Item"]["pk"]["S"]:
                raise Refusal(400, "ResourceNotFoundException")

        self.aws.fault = fault
        self.assertEqual(self.process(good, bad), {"m1"})
        self.assertEqual(self.states(), ["processed"])
        self.aws.fault = lambda *_: None
        self.assertEqual(self.process(bad), set())
        self.assertEqual(self.states(), ["processed", "processed"])

    def test_the_log_has_metrics_and_no_payload(self):
        # JSON errors often quote the input.
        self.process(message(notification(parameter="CANARY")), message("CANARY"))
        log = self.function.log()
        metrics = [json.loads(line) for line in log.splitlines() if line.startswith("{") and '"_aws"' in line]
        self.assertTrue(any("Processed" in line and "Retried" in line for line in metrics), log)
        self.assertNotIn("CANARY", log)


class BothWays(unittest.TestCase):
    def test_each_processor_reads_what_each_intake_queues(self):
        aws = Aws(settings())
        self.addCleanup(aws.stop)
        for sender in PEER_NAMES:
            intake = Function(sender, "intake", aws)
            self.addCleanup(intake.stop)
            for body in [json.dumps(notification()).encode(), json.dumps(notification()).encode() + b"\x0c"]:
                intake.invoke(request(body))
        queued = [asked["MessageBody"] for asked in aws.of("SendMessage")]
        self.assertEqual(len(queued), 4)
        for reader in PEER_NAMES:
            with self.subTest(reader):
                processor = Function(reader, "processor", aws)
                self.addCleanup(processor.stop)
                self.assertEqual(failed(processor.invoke(batch(*queued))), {"m1", "m3"})


for name in PEER_NAMES:
    for kind in (Intake, Processor):
        title = f"{name.capitalize()}{kind.__name__}"
        globals()[title] = type(title, (kind, unittest.TestCase), {"peer": name, "__module__": __name__})


if __name__ == "__main__":
    subprocess.run([sys.executable, PEERS / "install.py"], check=True)
    unittest.main()
