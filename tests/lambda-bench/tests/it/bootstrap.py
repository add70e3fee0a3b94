"""The least that a runtime can be: answers each event with itself and the number of the answer, or
does as the event says.
"""

import http.client
import json
import os
import sys

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def ask(method, path, document=None):
    api.request(method, f"/2018-06-01/runtime/{path}", document and json.dumps(document))
    response = api.getresponse()
    return response.getheader("Lambda-Runtime-Aws-Request-Id"), response.read()


if sys.argv[1:] == ["fails-to-start"]:
    ask("POST", "init/error", {"errorType": "NoSettings"})
answers = 0
while True:
    request, event = ask("GET", "invocation/next")
    event = json.loads(event)
    print("event", event, flush=True)
    if event == "exit":
        sys.exit(7)
    elif event == "fail":
        ask("POST", f"invocation/{request}/error", {"errorType": "AsTold"})
    elif event == "keep silent":
        continue
    else:
        answers += 1
        ask("POST", f"invocation/{request}/response", {"event": event, "answer": answers})
