"""Log lines: their formats, and masked values."""

import io
import json
import logging
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator

import pytest
import structlog

from gonemaster_tasks.logs import JobLineHandler, JobLines, configure_logging
from gonemaster_tasks.masking import Masking, passwords_in
from tests.support.sources import ROOT


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Restore the loggers of the test process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_are_masked_at_every_depth(form: str) -> None:
    stream = io.StringIO()
    configure_logging(form=form, stream=stream, secrets=["hush-1"])
    log = logging.getLogger("some")
    log.warning("hush-1 in %s", "redis://:other@host", extra={"many": ["hush-1"], "deep": {"a": ("x hush-1",)}})
    try:
        raise ValueError("hush-1 and password=other")
    except ValueError as error:
        log.exception("failed", extra={"cause": error})
    written = stream.getvalue()
    assert "hush-1" not in written
    assert "other" not in written
    assert written.count("***") >= 6
    assert "ValueError" in written


def test_lines_of_json_are_documents_with_what_was_bound() -> None:
    stream = io.StringIO()
    configure_logging(form="json", stream=stream)
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        logging.getLogger("some").info("done", extra={"count": 3, "ok": True, "none": None, "ratio": 0.5})
    line = json.loads(stream.getvalue())
    assert line.pop("timestamp")
    assert line == {
        "event": "done", "level": "info", "logger": "some",
        "request_id": "r1", "count": 3, "ok": True, "none": None, "ratio": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("at http://127.0.0.1:80/ by a@b", "at http://127.0.0.1:80/ by a@b"),
        ("no login in http://127.0.0.1:8080/x", "no login in http://127.0.0.1:8080/x"),
        ("'postgresql://u:p@s@host/db' failed", "'postgresql://u:***@host/db' failed"),
        ("host=h password='a b' user=u", "host=h password=*** user=u"),
    ],
)
def test_passwords_of_addresses_in_texts(text: str, masked: str) -> None:
    assert Masking(())(text) == masked


def test_passwords_of_settings() -> None:
    assert set(passwords_in("redis://:a%2Fb@h;redis://u:c@g")) == {"a%2Fb", "a/b", "c"}
    assert set(passwords_in("host=h password='a b'")) == {"a b"}
    assert list(passwords_in("redis://host:6379/0")) == []


def test_the_command_of_the_page_finds_the_lines_of_a_request() -> None:
    if shutil.which("jq") is None:
        pytest.skip("NOT RUN: no jq on this machine: .ci/apt-tools installs it")
    page = (ROOT / "docs/howto/logs-and-traces.md").read_text(encoding="utf-8")
    command = re.search(r"\| (jq .*)", page)
    assert command
    options, chosen = shlex.split(command[1].replace("0ab1...", "mine"))[1:-1], shlex.split(command[1])[-1]
    stream = io.StringIO()
    configure_logging(form="json", stream=stream)
    for request in ("mine", "other"):
        logging.getLogger("some").warning("said", extra={"request_id": request})
    stream.write("Killed, by something that writes no JSON\n")
    program = chosen.replace("0ab1...", "mine")
    done = subprocess.run(
        ["jq", *options, program], input=stream.getvalue(), capture_output=True, text=True, check=True
    )
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["request_id"] == "mine"


def test_lines_of_a_job_are_bounded_and_masked() -> None:
    configure_logging(stream=io.StringIO())
    lines, log = JobLines(), logging.getLogger("some")
    JobLineHandler(lines.add, secrets=["hush-1"])
    configure_logging(form="json", stream=io.StringIO())  # as after a change of a setting
    lines.begin("job_1")
    with structlog.contextvars.bound_contextvars(job_id="job_1"):
        for number in range(60):
            log.info("hush-1 %d \u202e\x00<b>", number)
        log.info("x" * 10_000)
    log.warning("stalled", extra={"job_id": "job_1"})
    log.warning("another job", extra={"job_id": "job_2"})
    log.warning("no job")
    found = lines.of("job_1")
    assert len(found) == 50
    assert all(len(line) <= 2_050 and line.isprintable() and "hush" not in line for line in found)
    assert ["*** 12 " in found[0], "stalled" in found[-1]] == [True, True]
    lines.discard("job_1")
    assert lines.of("job_1") == []
