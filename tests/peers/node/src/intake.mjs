// Verifies a delivery, puts it on the notifications queue with one call, and acknowledges it.

import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { GetParameterError } from "@aws-lambda-powertools/parameters/errors";
import { SecretsProvider } from "@aws-lambda-powertools/parameters/secrets";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { toMessage } from "./delivery.mjs";

const SETTINGS_MAX_AGE_SECONDS = 300;
const MAX_BODY_BYTES = Number(process.env.MAX_BODY_BYTES ?? 1_032_192);
// The limit of SQS (1 MiB), without a margin for what it counts besides the text.
const MAX_MESSAGE_BYTES = 1024 * 1024 - 1024;
const PATH = "/hooks/visma/";
// The group of deliveries without a known tenant.
const UNKNOWN_TENANT = "unknown";
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

const logger = new Logger({ serviceName: "intake" });
const metrics = new Metrics({ namespace: "VismaNetWebhooks", serviceName: "intake" });

const clientConfig = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 1200, throwOnRequestTimeout: true },
};
// AWS_ENDPOINT_URL sets the queue's address, as for the other clients.
const sqs = new SQSClient({ ...clientConfig, useQueueUrlAsEndpoint: false });
const secrets = new SecretsProvider({ clientConfig });
const { NOTIFICATIONS_QUEUE_URL: queueUrl, SETTINGS_SECRET_ID: secretId } = process.env;

const readSettings = () => secrets.get(secretId, { maxAge: SETTINGS_MAX_AGE_SECONDS, transform: "json" });

// Made before the first request needs them.
await readSettings();

export async function handler(event, context) {
  const begun = performance.now();
  logger.addContext(context);
  metrics.captureColdStartMetric();
  try {
    return await receive(event, begun);
  } catch (error) {
    if (error instanceof GetParameterError) {
      return refuse(503, "settings_unavailable");
    }
    throw error;
  } finally {
    metrics.publishStoredMetrics();
  }
}

async function receive(event, begun) {
  const settings = await readSettings();
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  if (body.length > MAX_BODY_BYTES) {
    return refuse(413, "body_too_large");
  }
  const route = event.rawPath.startsWith(PATH) ? event.rawPath.slice(PATH.length) : undefined;
  const subscriptions = settings.subscriptions.filter(
    (one) => one.route === route && (one.channel ?? "dispatcher") === "dispatcher",
  );
  if (subscriptions.length === 0) {
    return refuse(404, "route_unknown");
  }
  const subscription = signer(subscriptions, body, event.headers["x-vwd-signature-v1"] ?? "");
  if (subscription === undefined) {
    return refuse(401, "signature_mismatch");
  }
  return accept(subscription, event.headers, body, begun);
}

/**
 * The subscription whose secret made the signature. Every live secret is tried, so the time says
 * nothing about which fitted.
 */
function signer(subscriptions, body, header) {
  const signature = Buffer.from(header.trim());
  let found;
  for (const subscription of subscriptions) {
    for (const secret of (subscription.secrets ?? []).filter(isLive)) {
      const expected = Buffer.from(createHmac("sha256", secret.value).update(body).digest("base64"));
      if (expected.length === signature.length && timingSafeEqual(expected, signature)) {
        found ??= subscription;
      }
    }
  }
  return found;
}

function isLive({ value, expires_at: end }) {
  return value !== "" && (end === undefined || Date.now() < Date.parse(end));
}

async function accept(subscription, headers, body, begun) {
  const tenants = subscription.tenants ?? ["*"];
  const soleTenant = tenants.length === 1 && tenants[0] !== "*" ? tenants[0].toLowerCase() : undefined;
  const group = soleTenant ?? namedTenant(tenants, headers) ?? UNKNOWN_TENANT;
  const meta = {
    id: randomUUID(),
    channel: "dispatcher",
    origin: "webhook",
    subscription: subscription.id,
    event: subscription.event,
    tenant: soleTenant,
    received_at: new Date().toISOString(),
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("x-vwd-"))),
  };
  const message = toMessage(meta, body);
  if (Buffer.byteLength(message) > MAX_MESSAGE_BYTES) {
    return refuse(413, "body_too_large");
  }
  try {
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: message, MessageGroupId: group }));
  } catch (error) {
    logger.error("the queue refused a delivery", { reason: error.name });
    return refuse(503, "queue_unavailable");
  }
  metrics.addMetric("Accepted", MetricUnit.Count, 1);
  metrics.addMetric("BodySize", MetricUnit.Bytes, body.length);
  metrics.addMetric("AckDuration", MetricUnit.Milliseconds, performance.now() - begun);
  logger.info("accepted", { delivery: meta.id, subscription: subscription.id, tenant: group, bytes: body.length });
  return answer(202, { accepted: true, delivery: meta.id });
}

/** The header is not signed, so it decides nothing but the turn on the queue. */
function namedTenant(tenants, headers) {
  const tenant = (headers["x-vwd-tenant-id"] ?? "").trim().toLowerCase();
  const isServed = tenants.includes("*") || tenants.some((one) => one.toLowerCase() === tenant);
  return NAME.test(tenant) && isServed ? tenant : undefined;
}

function refuse(status, code) {
  metrics.addMetric(status >= 500 ? "Unavailable" : "Rejected", MetricUnit.Count, 1);
  metrics.addMetadata("code", code);
  logger.warn("refused", { code });
  return answer(status, { status, code }, status === 503 ? { "retry-after": "5" } : {});
}

function answer(statusCode, document, headers = {}) {
  return { statusCode, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(document) };
}
