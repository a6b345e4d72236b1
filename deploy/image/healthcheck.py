"""Check the health of a container: healthcheck.py [api | worker | beat]; exit status 0 if it is healthy.

api: the process responds (`/api/v1/healthz`, which uses neither database nor broker).
worker: the broker has a valid heartbeat of a worker process on this host.
beat: a beat is active, in this container or in another one.
"""

import os
import socket
import sys
import urllib.request
from contextlib import closing
from typing import Any

TIMEOUT_S = 4


def api_answers() -> bool:
    """Return whether the API of this container responds on the port in GONEMASTER_LISTEN."""
    port = os.environ.get("GONEMASTER_LISTEN", "127.0.0.1:8080").rpartition(":")[2]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/healthz", timeout=TIMEOUT_S) as answer:
        return bool(answer.status == 200)


def worker_lives() -> bool:
    """Return whether the broker has a heartbeat of this host."""
    with closing(_broker()) as broker:
        return any(state.host == socket.gethostname() for state in broker.workers.live())


def beat_is_active() -> bool:
    """Return whether the broker has the lock of an active beat."""
    with closing(_broker()) as broker:
        return bool(broker.beat.active())


def _broker() -> Any:
    # These slow imports are not needed for the frequent check of the API.
    from gonemaster_api.server.supervisor.programs import with_broker
    from gonemaster_tasks.broker.client import Broker
    from gonemaster_tasks.config.loader import load_settings

    return Broker.open(with_broker(load_settings()).broker_url)


CHECKS = {"api": api_answers, "worker": worker_lives, "beat": beat_is_active}


def main(arguments: list[str]) -> int:
    """Run one check and return the exit status: 0 healthy, 1 not healthy, 2 unknown check."""
    name = arguments[0] if arguments else "api"
    if name not in CHECKS:
        print(f"healthcheck: {name[:40]!r} is not one of {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    try:
        healthy = CHECKS[name]()
    except Exception as error:  # noqa: BLE001 - any error means not healthy, and the reason fits in one line
        print(f"healthcheck: {name}: {error}", file=sys.stderr)
        return 1
    print(f"{name}: {'healthy' if healthy else 'not healthy'}")
    return 0 if healthy else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
