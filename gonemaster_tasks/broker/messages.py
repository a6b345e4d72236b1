"""The text of a message: one function makes it, for one job or for a million."""

import base64
import json

from gonemaster_tasks.queues import RUN


def build_message(job_id: str, tier: str, *, redelivered: bool = False) -> str:
    """Return what Celery 5.7 workers accept as a call of the task that runs a job.

    The bytes depend on nothing but the arguments, so a waiting message is found by building it again.
    `redelivered` gives the form in which kombu puts a message back that a worker had taken. The delivery
    tag is the job id, so `HEXISTS unacked <job id>` tells whether a worker holds it.
    """
    headers: dict[str, object] = {"task": RUN, "id": job_id}
    delivery_info: dict[str, object] = {"exchange": "", "routing_key": tier}
    if redelivered:
        headers["redelivered"] = True
        delivery_info["redelivered"] = True
    body = json.dumps([[job_id], {}, None], separators=(",", ":")).encode()
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": headers,
            "properties": {
                "delivery_info": delivery_info,
                "body_encoding": "base64",
                "delivery_tag": job_id,
            },
        }
    )


def job_id_of(message: str) -> str:
    """Return the job id in a message, empty for messages that are not ours."""
    try:
        headers = json.loads(message)["headers"]
        return str(headers["id"]) if headers["task"] == RUN else ""
    except (ValueError, KeyError, TypeError):
        return ""
