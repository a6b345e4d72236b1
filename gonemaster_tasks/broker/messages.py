"""The text of messages: one function makes those of jobs, for one job or for a million."""

import base64
import json
from collections.abc import Mapping

from gonemaster_tasks.queues import MAINTENANCE, OPERATE, RUN


def build_message(job_id: str, tier: str, *, redelivered: bool = False) -> str:
    """Return what Celery 5.7 workers accept as a call of the task that runs a job.

    The bytes depend on nothing but the arguments, so a waiting message is found by building it again.
    `redelivered` gives the form in which kombu puts a message back that a worker had taken. The delivery
    tag is the job id, so `HEXISTS unacked <job id>` tells whether a worker holds it.
    """
    return _message(RUN, job_id, tier, arguments=[job_id], marks={"redelivered": True} if redelivered else {})


def build_operate_message(message_id: str) -> str:
    """Return a call of the task that performs operations. It names none: the worker claims what is due."""
    return _message(OPERATE, message_id, MAINTENANCE, arguments=[], marks={})


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


def job_id_of(message: str) -> str:
    """Return the job id in a message, empty for messages that are not ours."""
    task, message_id = _task_and_id(message)
    return message_id if task == RUN else ""


def is_operate_message(message: str) -> bool:
    """Return whether a message calls the task that performs operations."""
    return _task_and_id(message)[0] == OPERATE


def _task_and_id(message: str) -> tuple[str, str]:
    try:
        headers = json.loads(message)["headers"]
        return str(headers["task"]), str(headers["id"])
    except (ValueError, KeyError, TypeError):
        return "", ""
