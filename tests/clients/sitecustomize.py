"""Python imports this before each client's program, so that nothing of the client comes first.

No telemetry, no price list, no vocabulary: whoever asks for another machine gets no answer, and a
line of JSON among the steps tells of it.
"""

import json
import sys

THIS_MACHINE = ("127.0.0.1", "localhost", "::1", None)


def refuse_other_machines(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if host not in THIS_MACHINE:
        told = {"call": event, "what": "asks for another machine", "result": str(host)}
        print(json.dumps(told), flush=True)
        raise ConnectionRefusedError(f"{host} is another machine")


sys.addaudithook(refuse_other_machines)
