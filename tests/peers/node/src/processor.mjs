// Records each notification of a batch once, and advances its entity's head only forward.

import { createHash } from "node:crypto";
import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { fromMessage } from "./delivery.mjs";

const RETENTION_SECONDS = Number(process.env.RETENTION_DAYS ?? 90) * 86_400;
// .NET ticks, 100 ns since the year 1, at 1970-01-01.
const UNIX_EPOCH_TICKS = 621_355_968_000_000_000n;
const TICKS_PER_MILLISECOND = 10_000n;
const RESOURCE_PATH = /^\/?(?:api\/)?v[123]\/([A-Za-z]+)\/([^?#]{1,256})$/;
// Ticks exceed 2^53, so they are read as text.
const TICKS = /("timeStamp"\s*:\s*)(\d{16,})/g;
const UNKNOWN_TENANT = "unknown";
const METRIC_OF_STATE = { processed: "Processed", superseded: "Superseded", duplicate: "Duplicates" };

const logger = new Logger({ serviceName: "processor" });
const metrics = new Metrics({ namespace: "VismaNetWebhooks", serviceName: "processor" });
const batch = new BatchProcessor(EventType.SQS);

const dynamodb = new DynamoDBClient({
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
});
const table = process.env.TABLE_NAME;

export async function handler(event, context) {
  logger.addContext(context);
  metrics.captureColdStartMetric();
  try {
    // If all records fail, each is still reported one by one.
    return await processPartialResponse(event, onRecord, batch, { context, throwOnFullBatchFailure: false });
  } finally {
    metrics.publishStoredMetrics();
  }
}

async function onRecord(record) {
  try {
    const { meta, body } = fromMessage(record.body);
    for (const { item, content } of itemsOf(body)) {
      await processOne(notificationOf(meta, item, content));
    }
  } catch (error) {
    // Without its text, which may quote the payload.
    logger.error("will be retried", { message_id: record.messageId, reason: error.name });
    metrics.addMetric("Retried", MetricUnit.Count, 1);
    throw error;
  }
}

/** Each notification of the body, with the text that tells it from others. */
function itemsOf(body) {
  const document = JSON.parse(body.replace(TICKS, '$1"$2"'));
  if (Array.isArray(document) && document.every(isObject)) {
    return document.map((item) => ({ item, content: JSON.stringify(item) }));
  }
  if (isObject(document)) {
    return [{ item: document, content: body.trim() }];
  }
  throw new SyntaxError("the body is neither an object nor an array of objects");
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function notificationOf(meta, item, content) {
  const { headers } = meta;
  const received = Date.parse(meta.received_at);
  const event = item.event || meta.event || headers["x-vwd-event-id"] || "";
  const tenant = meta.tenant || headers["x-vwd-tenant-id"]?.toLowerCase() || UNKNOWN_TENANT;
  const digest = createHash("sha256").update(content).digest("hex");
  const path = RESOURCE_PATH.exec(item.relativeResourceUri ?? "");
  const [entity, key] = path ? [path[1].toLowerCase(), path[2]] : ["unmapped", `~${digest.slice(0, 16)}`];
  const id = item.notificationId || headers["x-vwd-notification-id"] || "";
  return {
    pk: `${tenant}#${entity}#${key}`,
    key: `${digest}.${String(id).toLowerCase()}`,
    hasEntity: path !== null,
    version: ticksOf(item.timeStamp) ?? UNIX_EPOCH_TICKS + BigInt(received) * TICKS_PER_MILLISECOND,
    deleted: event.toUpperCase().endsWith("_DELETED"),
    tenant,
    event,
    status: item.status,
    source: item.source,
    meta,
    received,
    raw: content,
  };
}

function ticksOf(value) {
  const ticks = /^\d{16,19}$/.test(value ?? "") ? BigInt(value) : undefined;
  return ticks !== undefined && ticks >= UNIX_EPOCH_TICKS ? ticks : undefined;
}

async function processOne(notification) {
  const now = new Date();
  const isNewest = !notification.hasEntity || (await advanceHead(notification, now));
  const end = isNewest ? "processed" : "superseded";
  const state = (await record(notification, end, now)) ? end : "duplicate";
  metrics.addMetric(METRIC_OF_STATE[state], MetricUnit.Count, 1);
  if (state !== "duplicate") {
    metrics.addMetric("AcceptedToProcessed", MetricUnit.Milliseconds, now.getTime() - notification.received);
  }
  const { key, tenant, event } = notification;
  logger.info(state, { notification: key, state, tenant, event });
}

/** False when a newer version is there already. */
async function advanceHead(notification, now) {
  return written(
    new UpdateItemCommand({
      TableName: table,
      Key: { pk: { S: notification.pk }, sk: { S: "HEAD" } },
      UpdateExpression:
        "SET notification = :notification, version = :version, deleted = :deleted, #status = :status, " +
        "updated_at = :now, expires_at = :expires_at",
      ConditionExpression: "attribute_not_exists(version) OR version <= :version",
      ExpressionAttributeNames: { "#status": "status" },
      ExpressionAttributeValues: {
        ":notification": { S: notification.key },
        ":version": { N: String(notification.version) },
        ":deleted": { BOOL: notification.deleted },
        ":status": { S: String(notification.status ?? "") },
        ":now": { S: now.toISOString() },
        ":expires_at": expiresAt(now),
      },
    }),
  );
}

/** False when the ledger has the notification already. */
async function record(notification, state, now) {
  const { meta } = notification;
  const texts = {
    pk: notification.pk,
    sk: `N#${notification.key}`,
    state,
    tenant: notification.tenant,
    event: notification.event,
    channel: meta.channel,
    origin: meta.origin,
    subscription: meta.subscription,
    delivery: meta.id,
    received_at: meta.received_at,
    updated_at: now.toISOString(),
    ended_at: now.toISOString(),
    feed: `${notification.tenant}#${meta.received_at.slice(0, 10)}`,
    feed_at: `${meta.received_at}#${notification.key}`,
    raw: notification.raw,
    status: notification.status,
    source: notification.source,
  };
  const known = Object.entries(texts).filter(([, text]) => text);
  const attributes = known.map(([name, text]) => [name, { S: String(text) }]);
  const item = { ...Object.fromEntries(attributes), expires_at: expiresAt(now) };
  return written(
    new PutItemCommand({ TableName: table, Item: item, ConditionExpression: "attribute_not_exists(pk)" }),
  );
}

/** Whether the write's condition held. */
async function written(command) {
  try {
    await dynamodb.send(command);
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) {
      return false;
    }
    throw error;
  }
}

function expiresAt(now) {
  return { N: String(Math.floor(now.getTime() / 1000) + RETENTION_SECONDS) };
}
