"""The message on the notifications queue: a line of JSON about the delivery, then the body as it came."""

import base64
import json
import re

# Characters that SQS does not accept (SendMessage: it accepts those of XML 1.0).
FORBIDDEN = re.compile("[^\t\n\r\x20-\ufffd\U00010000-\U0010ffff]")


def to_message(meta, body):
    text = as_text(body)
    encoding = "base64" if text is None else "text"
    line = json.dumps({"encoding": encoding, **meta}, separators=(",", ":"))
    return f"{line}\n{base64.b64encode(body).decode() if text is None else text}"


def as_text(body):
    """`None` if SQS would not accept it as text."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if FORBIDDEN.search(text) else text


def from_message(message):
    """The facts about the delivery, and its body. Raises ValueError for a message that intake did
    not write.
    """
    line, newline, body = message.partition("\n")
    if not newline:
        raise ValueError("the message has no header line")
    meta = json.loads(line)
    return meta, base64.b64decode(body, validate=True) if meta["encoding"] == "base64" else body.encode()
