"""Tests of zones before they are published, in a separate process with limited memory and time.

A call waits for its process: a test takes seconds and sends no query, so a job with a queue and stored results would
cost more than it gives. The number of processes is limited, because each uses a core and up to a gigabyte.
"""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import structlog

from gonemaster_api.errors import ApiError, BadRequest, Unavailable
from gonemaster_api.use_cases.submission.jobs import read_name, read_nameserver
from gonemaster_db.core.errors import TimeLimitExceeded
from gonemaster_engine.texts import Text

MAX_AT_ONCE = 2  # in a process of the API
TIME_LIMIT_S = 30.0
COMMAND = (sys.executable, "-m", "gonemaster_engine.zonefile")
_POLL_S = 0.1  # how soon a process ends whose client has disconnected
slots = threading.BoundedSemaphore(MAX_AT_ONCE)

log = structlog.get_logger(__name__)


def check_zone(request: Mapping[str, Any], *, has_left: Callable[[], bool]) -> dict[str, Any]:
    """Test a zone and return the result; end the test as soon as the client has disconnected.

    Raises:
        BadRequest: missing_domain, invalid_domain, invalid_undelegated, invalid_zone.
        ApiError: zone_check_failed, the test exceeds a limit, or its process has crashed.
        Unavailable: too_many_zone_checks.
        TimeLimitExceeded: the client has disconnected.
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
        document = _run(json.dumps(question), has_left)
    finally:
        slots.release()
    if "error" in document:
        raise BadRequest("invalid_zone", Text("the zone cannot be tested: {error}", error=document["error"]))
    if document.get("out_of_memory"):
        _fail(Text("the test of the zone needs more memory than it may use"))
    return document


def _run(question: str, has_left: Callable[[], bool]) -> dict[str, Any]:
    pipe = subprocess.PIPE
    with subprocess.Popen(COMMAND, stdin=pipe, stdout=pipe, stderr=pipe, text=True, encoding="utf-8") as process:  # noqa: S603 - the command is constant
        try:
            output, problems = _communicate(process, question, has_left)
        finally:
            process.kill()
    if process.returncode:
        log.warning("a zone check failed", returncode=process.returncode, reason=problems[-500:])
        _fail(_reason(process.returncode))
    document: dict[str, Any] = json.loads(output)
    return document


def _communicate(process: subprocess.Popen[str], question: str, has_left: Callable[[], bool]) -> tuple[str, str]:
    """Return the output of the process, and its errors."""
    deadline, sent = time.monotonic() + TIME_LIMIT_S, question
    while True:
        try:
            return process.communicate(sent, timeout=_POLL_S)
        except subprocess.TimeoutExpired:
            sent = ""  # a second call continues the first one
        if has_left():
            raise TimeLimitExceeded("the client disconnected")
        if time.monotonic() > deadline:
            _fail(Text("the test of the zone takes longer than {seconds} s", seconds=round(TIME_LIMIT_S)))


def _reason(returncode: int) -> str:
    """Say why a process ended without a result."""
    if returncode == -signal.SIGXCPU:
        return Text("the test of the zone needs more processor time than it may use")
    if returncode < 0:
        return Text("the process that tested the zone was ended by the signal {signal}", signal=_name(-returncode))
    return Text("the process that tested the zone has crashed; the log of the service has the reason")


def _name(number: int) -> str:
    return signal.Signals(number).name if number in signal.valid_signals() else str(number)


def _fail(reason: str) -> NoReturn:
    raise ApiError(422, "zone_check_failed", reason)
