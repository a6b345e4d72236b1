"""The text of messages; a single function builds all job messages."""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from gonemaster_db.core.ids import is_job_id
from gonemaster_tasks.queues import MAINTENANCE, ROUTES, RUN, TIERS

_MAX_BYTES = 65_536  # bytes; job messages have about 400, messages of beat 1,000
_MAX_NAME = 255
_BEFORE_TAG = '"delivery_tag": "'  # the last field


def build_message(job_id: str, tier: str, *, redelivered: bool = False) -> str:
    """Return a call of the task that runs a job, in the form that Celery 5.7 workers accept.

    The bytes depend only on the arguments, so a waiting message is found by building it again.
    `redelivered` selects the form in which kombu puts back a message that a worker had taken. The delivery
    tag is the job id, so `HEXISTS unacked <job id>` says whether a worker holds it.
    """
    if not is_job_id(job_id):
        return _job_message(job_id, tier, redelivered=redelivered)
    start, middle, between, end = _frame(tier, redelivered)
    body = base64.b64encode(f'[["{job_id}"],{{}},null]'.encode()).decode()
    return f"{start}{body}{middle}{job_id}{between}{job_id}{end}"


def _job_message(job_id: str, tier: str, *, redelivered: bool) -> str:
    return _message(RUN, job_id, tier, arguments=[job_id], marks={"redelivered": True} if redelivered else {})


@cache
def _frame(tier: str, redelivered: bool) -> tuple[str, str, str, str]:
    """Return the text around the body and the two IDs, because building JSON for each job takes six times as long."""
    sample = "job_0"
    message = _job_message(sample, tier, redelivered=redelivered)
    start, _, rest = message.partition(json.loads(message)["body"])
    middle, between, end = rest.split(sample)
    return start, middle, between, end


def build_call(task: str, message_id: str) -> str:
    """Return a call of a maintenance task. It has no arguments: the worker claims what is due."""
    return _message(task, message_id, MAINTENANCE, arguments=[], marks={})


def _message(task: str, message_id: str, queue: str, *, arguments: list[str], marks: Mapping[str, object]) -> str:
    body = json.dumps([arguments, {}, None], separators=(",", ":")).encode()
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"task": task, "id": message_id, **marks},
            "properties": {
                "delivery_info": {"exchange": "", "routing_key": queue, **marks},
                "body_encoding": "base64",
                "delivery_tag": message_id,
            },
        }
    )


def is_built_here(message: str, tier: str) -> bool:
    """Return whether `build_message` wrote a message; much cheaper than `fault_of`, which accepts all forms."""
    job_id = message.rpartition(_BEFORE_TAG)[2].removesuffix('"}}')
    return is_job_id(job_id) and message == build_message(job_id, tier)


def job_id_of(message: str) -> str:
    """Return the job id in a message, empty for messages of other programs."""
    task, message_id = _task_and_id(message)
    return message_id if task == RUN else ""


def named_task(task: str) -> str:
    """Return the text that identifies a message calling a task, written by this service or by Celery."""
    return f'"task": "{task}"'


def _task_and_id(message: str) -> tuple[str, str]:
    try:
        headers = json.loads(message)["headers"]
        return str(headers["task"]), str(headers["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", ""


def fault_of(message: bytes, queue: str) -> str:
    """Return why an item of a queue is not a valid message; empty if it is valid.

    Any client of Redis can write to a queue. Celery and kombu do not validate the form of a message, so the worker
    validates it first.
    """
    if len(message) > _MAX_BYTES:
        return f"longer than {_MAX_BYTES} bytes"
    try:
        text = message.decode()
        if queue in TIERS and is_built_here(text, queue):
            return ""
        fields = json.loads(text)
        return _fault_of_job(fields, queue) if queue in TIERS else _fault_of_call(fields, queue)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return f"not in the form of a message ({type(error).__name__}: {str(error)[:200]})"


def _fault_of_job(fields: Any, tier: str) -> str:
    """Return why an item is invalid in a tier, which holds only job messages as written or as kombu puts them back."""
    job_id = fields["headers"]["id"]
    if not isinstance(job_id, str) or not is_job_id(job_id):
        return "the message names no job"
    is_job_message = any(fields == json.loads(build_message(job_id, tier, redelivered=form)) for form in (False, True))
    return "" if is_job_message else "the content is not a job message of this service"


def _fault_of_call(fields: Any, queue: str) -> str:
    """Return why a call of a maintenance task is invalid; Celery writes these calls, in beat."""
    headers, properties = fields["headers"], fields["properties"]
    arguments, keywords, _ = json.loads(base64.b64decode(fields["body"], validate=True))
    names = (headers["id"], headers["task"], properties["delivery_tag"], properties["delivery_info"]["exchange"])
    if not all(isinstance(name, str) and len(name) <= _MAX_NAME for name in names):
        return "an id or a name is not a short string"
    if (fields["content-type"], fields["content-encoding"]) != ("application/json", "utf-8"):
        return "the content is not JSON in UTF-8"
    if not isinstance(arguments, list) or not isinstance(keywords, dict):
        return "the arguments are neither a list nor an object"
    if properties["body_encoding"] != "base64" or properties["delivery_info"]["routing_key"] != queue:
        return "the message names another encoding or queue"
    return "" if headers["task"] in ROUTES else "the task does not belong to this queue"
