"""Verifies a delivery, puts it on the notifications queue with one call, and acknowledges it."""

import base64
import hmac
import json
import os
import re
import time
import uuid
from datetime import datetime, timezone

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import delivery

SETTINGS_MAX_AGE_SECONDS = 300
MAX_BODY_BYTES = int(os.environ.get("MAX_BODY_BYTES", "1032192"))
# The limit of SQS (1 MiB), without a margin for what it counts besides the text.
MAX_MESSAGE_BYTES = 1024 * 1024 - 1024
PATH = "/hooks/visma/"
# The group of deliveries without a known tenant.
UNKNOWN_TENANT = "unknown"
NAME = re.compile("[A-Za-z0-9_-]{1,64}")

logger = Logger(service="intake")
metrics = Metrics(namespace="VismaNetWebhooks", service="intake")

config = Config(
    connect_timeout=1,
    read_timeout=1.2,
    retries={"mode": "standard", "total_max_attempts": 2},
    tcp_keepalive=True,
)
sqs = boto3.client("sqs", config=config)
# With a client of the same session, so that the SDK loads its data only once.
secrets = SecretsProvider(boto3_client=boto3.client("secretsmanager", config=config))
queue_url = os.environ["NOTIFICATIONS_QUEUE_URL"]
secret_id = os.environ["SETTINGS_SECRET_ID"]


def read_settings():
    return secrets.get(secret_id, max_age=SETTINGS_MAX_AGE_SECONDS, transform="json")


# Made before the first request needs them.
read_settings()


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    begun = time.perf_counter()
    try:
        return receive(event, begun)
    except GetParameterError:
        return refuse(503, "settings_unavailable")


def receive(event, begun):
    settings = read_settings()
    body = body_of(event)
    if len(body) > MAX_BODY_BYTES:
        return refuse(413, "body_too_large")
    subscriptions = on_route(settings, event["rawPath"].removeprefix(PATH))
    if not subscriptions:
        return refuse(404, "route_unknown")
    headers = event["headers"]
    subscription = signer(subscriptions, body, headers.get("x-vwd-signature-v1", ""))
    if subscription is None:
        return refuse(401, "signature_mismatch")
    return accept(subscription, headers, body, begun)


def body_of(event):
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()


def on_route(settings, route):
    subscriptions = settings["subscriptions"]
    return [one for one in subscriptions if one["route"] == route and one.get("channel", "dispatcher") == "dispatcher"]


def signer(subscriptions, body, signature):
    """The subscription whose secret made the signature. It tries every live secret, so the time
    does not reveal which one matched.
    """
    signature = signature.strip().encode()
    found = None
    for subscription in subscriptions:
        for secret in subscription.get("secrets", []):
            if is_live(secret):
                expected = base64.b64encode(hmac.digest(secret["value"].encode(), body, "sha256"))
                if hmac.compare_digest(expected, signature):
                    found = found or subscription
    return found


def is_live(secret):
    end = secret.get("expires_at")
    is_past = end is not None and datetime.fromisoformat(end.replace("Z", "+00:00")) <= datetime.now(timezone.utc)
    return secret["value"] != "" and not is_past


def accept(subscription, headers, body, begun):
    tenants = subscription.get("tenants", ["*"])
    sole_tenant = tenants[0].lower() if len(tenants) == 1 and tenants[0] != "*" else None
    group = sole_tenant or named_tenant(tenants, headers) or UNKNOWN_TENANT
    meta = {
        "id": str(uuid.uuid4()),
        "channel": "dispatcher",
        "origin": "webhook",
        "subscription": subscription["id"],
        "event": subscription.get("event"),
        "tenant": sole_tenant,
        "received_at": datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "headers": {name: value for name, value in headers.items() if name.startswith("x-vwd-")},
    }
    message = delivery.to_message({name: value for name, value in meta.items() if value is not None}, body)
    if len(message.encode()) > MAX_MESSAGE_BYTES:
        return refuse(413, "body_too_large")
    try:
        sqs.send_message(QueueUrl=queue_url, MessageBody=message, MessageGroupId=group)
    except (ClientError, BotoCoreError) as error:
        logger.error("the queue refused a delivery", error=type(error).__name__)
        return refuse(503, "queue_unavailable")
    metrics.add_metric(name="Accepted", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="BodySize", unit=MetricUnit.Bytes, value=len(body))
    metrics.add_metric(name="AckDuration", unit=MetricUnit.Milliseconds, value=(time.perf_counter() - begun) * 1000)
    logger.info("accepted", delivery=meta["id"], subscription=subscription["id"], tenant=group, bytes=len(body))
    return answer(202, {"accepted": True, "delivery": meta["id"]})


def named_tenant(tenants, headers):
    """The header is not signed, so it decides only the group on the queue."""
    tenant = headers.get("x-vwd-tenant-id", "").strip().lower()
    is_served = "*" in tenants or tenant in (one.lower() for one in tenants)
    return tenant if NAME.fullmatch(tenant) and is_served else None


def refuse(status, code):
    metrics.add_metric(name="Unavailable" if status >= 500 else "Rejected", unit=MetricUnit.Count, value=1)
    metrics.add_metadata(key="code", value=code)
    logger.warning("refused", code=code)
    return answer(status, {"status": status, "code": code}, {"retry-after": "5"} if status == 503 else {})


def answer(status, document, headers=None):
    headers = {"content-type": "application/json", **(headers or {})}
    return {"statusCode": status, "headers": headers, "body": json.dumps(document)}
