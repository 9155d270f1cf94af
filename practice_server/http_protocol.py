"""HTTP/1.1 as uvicorn speaks it, with errors in OpenAI's form from the first byte on."""

from __future__ import annotations

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from practice_server.errors import ApiError, error_response


class HttpProtocol(H11Protocol):
    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, which never becomes a request; uvicorn does it in plain text."""
        response = error_response(ApiError(400, msg))
        headers = [*response.raw_headers, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=response.body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event))
        self.transport.close()
