"""The health check of a container: healthcheck.py [api | worker | beat]; exit status 0 if the part does its work.

api: its process responds (`/api/v1/healthz`, which asks neither database nor broker).
worker: a worker process of this host has sent a heartbeat to the broker that is still valid.
beat: a beat is active, this one or another that this one waits for.
"""

import os
import socket
import sys
import urllib.request
from contextlib import closing
from typing import Any

TIMEOUT_S = 4


def api_answers() -> bool:
    """Ask the API of this container, on the port of GONEMASTER_LISTEN."""
    port = os.environ.get("GONEMASTER_LISTEN", "127.0.0.1:8080").rpartition(":")[2]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/healthz", timeout=TIMEOUT_S) as answer:
        return bool(answer.status == 200)


def worker_lives() -> bool:
    """Look for a heartbeat of this host in the broker."""
    with closing(_broker()) as broker:
        return any(state.host == socket.gethostname() for state in broker.workers.live())


def beat_is_active() -> bool:
    """Look for the lock of the active beat in the broker."""
    with closing(_broker()) as broker:
        return bool(broker.beat.active())


def _broker() -> Any:
    # Not needed for the API, which is asked most often: the import takes longer than the question.
    from gonemaster_api.server.supervisor.programs import with_broker
    from gonemaster_tasks.broker.client import Broker
    from gonemaster_tasks.config.loader import load_settings

    return Broker.open(with_broker(load_settings()).broker_url)


CHECKS = {"api": api_answers, "worker": worker_lives, "beat": beat_is_active}


def main(arguments: list[str]) -> int:
    """Run one check; 2 if there is no such check."""
    name = arguments[0] if arguments else "api"
    if name not in CHECKS:
        print(f"healthcheck: {name[:40]!r} is none of {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    try:
        healthy = CHECKS[name]()
    except Exception as error:  # noqa: BLE001 - whatever it is, the part is not healthy, and the reason belongs in one line
        print(f"healthcheck: {name}: {error}", file=sys.stderr)
        return 1
    print(f"{name}: {'healthy' if healthy else 'not healthy'}")
    return 0 if healthy else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
