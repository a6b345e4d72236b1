"""The receiver in the documentation accepts our requests, and no others."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import threading
import time
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest

from gonemaster_tasks.notifications.failures import DeliveryFailed
from gonemaster_tasks.notifications.webhooks import Webhook, send_webhook

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "watch-domains.md"


def example(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_example_of_a_body_is_json() -> None:
    assert json.loads(example("json"))["event"] == "domain.regressed"


def test_the_example_of_a_receiver(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example("python"), str(PAGE), "exec"), names)
    server = HTTPServer(("127.0.0.1", 0), names["Hook"])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    body = json.dumps({"event": "domain.regressed", "events": [{"id": "evt_1", "domain": "a.example"}]}).encode()

    def send(secret: str | None, *, timestamp: float = 0) -> int:
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        webhook = Webhook(url, body, "domain.regressed", "dlv_1", secret)
        at = int(timestamp or time.time())
        return asyncio.run(send_webhook(webhook, timestamp=at, allow_private=True, tls=ssl.create_default_context()))

    try:
        right = names["SECRET"].decode()
        assert send(right) == send(right) == 204
        for wrong in (("another secret", 0.0), (None, 0.0), (right, time.time() - 3600)):
            with pytest.raises(DeliveryFailed) as caught:
                send(wrong[0], timestamp=wrong[1])
            assert caught.value.status == 403
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert capsys.readouterr().out == "domain.regressed a.example\n"
