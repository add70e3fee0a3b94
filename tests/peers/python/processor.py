"""Records each notification of a batch once, and advances its entity's head only forward."""

import hashlib
import json
import os
import re
from datetime import datetime, timedelta, timezone

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from botocore.config import Config

import delivery

RETENTION = timedelta(days=int(os.environ.get("RETENTION_DAYS", "90")))
# .NET ticks, 100 ns since the year 1, at 1970-01-01.
UNIX_EPOCH_TICKS = 621_355_968_000_000_000
RESOURCE_PATH = re.compile(r"/?(?:api/)?v[123]/([A-Za-z]+)/([^?#]{1,256})")
UNKNOWN_TENANT = "unknown"

logger = Logger(service="processor")
metrics = Metrics(namespace="VismaNetWebhooks", service="processor")
# If all records fail, each is still reported one by one.
batch = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

config = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
)
dynamodb = boto3.client("dynamodb", config=config)
table = os.environ["TABLE_NAME"]


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    return process_partial_response(event=event, record_handler=on_record, processor=batch, context=context)


def on_record(record):
    try:
        meta, body = delivery.from_message(record.body)
        for item, content in items_of(body):
            process(notification_of(meta, item, content))
    except Exception as error:
        # Without its text, which may quote the payload.
        logger.error("will be retried", message_id=record.message_id, error=type(error).__name__)
        metrics.add_metric(name="Retried", unit=MetricUnit.Count, value=1)
        raise


def items_of(body):
    """Each notification of the body, with the bytes that identify it."""
    document = json.loads(body)
    if isinstance(document, dict):
        return [(document, body.strip())]
    if isinstance(document, list) and all(isinstance(item, dict) for item in document):
        return [(item, json.dumps(item, separators=(",", ":"), ensure_ascii=False).encode()) for item in document]
    raise ValueError("the body is neither an object nor an array of objects")


def notification_of(meta, item, content):
    headers = meta["headers"]
    received = moment(meta["received_at"])
    event = item.get("event") or meta.get("event") or headers.get("x-vwd-event-id", "")
    tenant = meta.get("tenant") or headers.get("x-vwd-tenant-id", "").lower() or UNKNOWN_TENANT
    digest = hashlib.sha256(content).hexdigest()
    path = RESOURCE_PATH.fullmatch(str(item.get("relativeResourceUri", "")))
    entity, key = (path[1].lower(), path[2]) if path else ("unmapped", f"~{digest[:16]}")
    ticks = item.get("timeStamp")
    is_ticks = isinstance(ticks, int) and ticks >= UNIX_EPOCH_TICKS
    notification_id = item.get("notificationId") or headers.get("x-vwd-notification-id", "")
    return {
        "pk": f"{tenant}#{entity}#{key}",
        "key": f"{digest}.{str(notification_id).lower()}",
        "has_entity": path is not None,
        "version": ticks if is_ticks else UNIX_EPOCH_TICKS + int(received.timestamp() * 1_000_000) * 10,
        "deleted": event.upper().endswith("_DELETED"),
        "tenant": tenant,
        "event": event,
        "status": item.get("status"),
        "source": item.get("source"),
        "meta": meta,
        "received": received,
        "raw": content.decode(),
    }


def process(notification):
    now = datetime.now(timezone.utc)
    is_newest = not notification["has_entity"] or advance_head(notification, now)
    state = "processed" if is_newest else "superseded"
    if not record(notification, state, now):
        state = "duplicate"
    name = {"processed": "Processed", "superseded": "Superseded", "duplicate": "Duplicates"}[state]
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)
    if state != "duplicate":
        elapsed = (now - notification["received"]) / timedelta(milliseconds=1)
        metrics.add_metric(name="AcceptedToProcessed", unit=MetricUnit.Milliseconds, value=elapsed)
    described = {name: notification[name] for name in ("tenant", "event")}
    logger.info(state, notification=notification["key"], state=state, **described)


def advance_head(notification, now):
    """`False` if a newer version is stored already."""
    values = {
        ":notification": {"S": notification["key"]},
        ":version": {"N": str(notification["version"])},
        ":deleted": {"BOOL": notification["deleted"]},
        ":status": {"S": str(notification["status"] or "")},
        ":now": {"S": text_of(now)},
        ":expires_at": expires_at(now),
    }
    try:
        dynamodb.update_item(
            TableName=table,
            Key={"pk": {"S": notification["pk"]}, "sk": {"S": "HEAD"}},
            UpdateExpression=(
                "SET notification = :notification, version = :version, deleted = :deleted, #status = :status, "
                "updated_at = :now, expires_at = :expires_at"
            ),
            ConditionExpression="attribute_not_exists(version) OR version <= :version",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=values,
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def record(notification, state, now):
    """`False` if the ledger has the notification already."""
    meta = notification["meta"]
    texts = {
        "pk": notification["pk"],
        "sk": f"N#{notification['key']}",
        "state": state,
        "tenant": notification["tenant"],
        "event": notification["event"],
        "channel": meta["channel"],
        "origin": meta["origin"],
        "subscription": meta["subscription"],
        "delivery": meta["id"],
        "received_at": meta["received_at"],
        "updated_at": text_of(now),
        "ended_at": text_of(now),
        "feed": f"{notification['tenant']}#{meta['received_at'][:10]}",
        "feed_at": f"{meta['received_at']}#{notification['key']}",
        "raw": notification["raw"],
        "status": notification["status"],
        "source": notification["source"],
    }
    item = {name: {"S": str(text)} for name, text in texts.items() if text}
    item["expires_at"] = expires_at(now)
    try:
        dynamodb.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(pk)")
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def moment(text):
    """A time in UTC, with any number of digits after the second."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}+00:00")


def text_of(at):
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def expires_at(now):
    return {"N": str(int((now + RETENTION).timestamp()))}
