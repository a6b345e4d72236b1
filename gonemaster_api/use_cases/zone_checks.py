"""Tests of zones before they are published, in a separate process with limited memory and time.

A call waits for its process: a test takes seconds and sends no query, so a job with a queue and stored results would
cost more than it gives. The number of processes is limited, because each uses a core and up to a gigabyte.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

import structlog

from gonemaster_api.errors import ApiError, BadRequest, Unavailable
from gonemaster_api.use_cases.submission.jobs import read_name, read_nameserver
from gonemaster_engine.texts import Text

MAX_AT_ONCE = 2  # in a process of the API
TIME_LIMIT_S = 30.0
COMMAND = (sys.executable, "-m", "gonemaster_engine.zonefile")
slots = threading.BoundedSemaphore(MAX_AT_ONCE)

log = structlog.get_logger(__name__)


def check_zone(request: Mapping[str, Any]) -> dict[str, Any]:
    """Test a zone and return the result.

    Raises:
        BadRequest: missing_domain, invalid_domain, invalid_undelegated, invalid_zone.
        ApiError: zone_check_failed, the zone exceeds the limits of memory or time.
        Unavailable: too_many_zone_checks.
    """
    question = {
        "domain": read_name(request["domain"]),
        "zone": request["zone"],
        "ds_info": request.get("ds_info") or [],
        "nameservers": [read_nameserver(each) for each in request.get("nameservers") or ()],
        "min_level": request["min_level"],
        "locale": request["locale"],
    }
    if not slots.acquire(blocking=False):
        raise Unavailable("too_many_zone_checks", Text("other zones are being tested; try again later"))
    try:
        document = _run(json.dumps(question))
    finally:
        slots.release()
    if "error" in document:
        raise BadRequest("invalid_zone", Text("the zone cannot be tested: {error}", error=document["error"]))
    return document


def _run(question: str) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603 - the command is constant
            COMMAND,
            input=question,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _too_expensive() from error
    if done.returncode:
        log.warning("a zone check failed", returncode=done.returncode, reason=done.stderr[-500:])
        raise _too_expensive()
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def _too_expensive() -> ApiError:
    return ApiError(422, "zone_check_failed", Text("the test of the zone exceeds the limits of memory or time"))
