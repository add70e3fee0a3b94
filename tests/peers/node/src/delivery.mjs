// The message on the notifications queue: a line of JSON about the delivery, then the body as it came.

import { isUtf8 } from "node:buffer";

// Characters that SQS does not accept (SendMessage: it accepts those of XML 1.0).
const FORBIDDEN = /[^\t\n\r\x20-\ufffd\u{10000}-\u{10ffff}]/u;

export function toMessage(meta, body) {
  const text = asText(body);
  const line = JSON.stringify({ encoding: text === undefined ? "base64" : "text", ...meta });
  return `${line}\n${text ?? body.toString("base64")}`;
}

/** Undefined when SQS would not take it as text. */
function asText(body) {
  const text = isUtf8(body) ? body.toString() : undefined;
  return text === undefined || FORBIDDEN.test(text) ? undefined : text;
}

/** What is known of the delivery, and its body. Throws for a message that intake did not write. */
export function fromMessage(message) {
  const end = message.indexOf("\n");
  if (end < 0) {
    throw new SyntaxError("the message has no header line");
  }
  const { encoding, ...meta } = JSON.parse(message.slice(0, end));
  const body = message.slice(end + 1);
  return { meta, body: encoding === "base64" ? Buffer.from(body, "base64").toString() : body };
}
