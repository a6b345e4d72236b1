"""A host of the API as a client sees it."""

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Answer:
    """A response: `status` is 0 if none arrived in time. `took_s` is measured on this machine."""

    status: int
    document: Any
    took_s: float

    @property
    def code(self) -> str:
        """Return the code of an error, else the status."""
        error = self.document.get("error") if isinstance(self.document, dict) else None
        return str(error["code"]) if error else str(self.status)


@dataclass(frozen=True)
class Api:
    """One API host; each request has a separate connection."""

    name: str
    address: str
    PORT: ClassVar[int] = 8080

    def get(self, path: str, *, within_s: float = 20) -> Answer:
        """Request a document below /api/v1."""
        return self._send("GET", path, None, within_s, {})

    def post(self, path: str, document: object, *, within_s: float = 10, key: str = "") -> Answer:
        """Send a POST request; with a key it takes effect once, however often it is sent."""
        return self._send("POST", path, document, within_s, {"Idempotency-Key": key} if key else {})

    def _send(self, method: str, path: str, document: object, within_s: float, headers: dict[str, str]) -> Answer:
        start = time.monotonic()
        connection = http.client.HTTPConnection(self.address, self.PORT, timeout=within_s)
        body = None if document is None else json.dumps(document)
        try:
            connection.request(method, f"/api/v1{path}", body, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            answer = response.status, json.loads(response.read() or b"null")
        except (OSError, http.client.HTTPException, ValueError):
            answer = 0, None
        finally:
            connection.close()
        return Answer(*answer, time.monotonic() - start)
