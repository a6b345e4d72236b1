"""Hostile inputs of the interfaces for registries: RST documents, NOTIFY messages, checks and batches of checks."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonemaster_engine.rst.document import RstInputError, parse_input, parse_text
from gonemaster_engine.texts import text_of
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.pause import pause_queue
from gonemaster_tasks.notify.messages import MAX_OCTETS, read_notification
from gonemaster_tasks.queues import BATCH, CHECK
from tests.api.v1.test_checks import BODY, CHECKS, DS, LINES
from tests.engine.rst.test_document import DOCUMENT
from tests.support.examples import examples
from tests.tasks.notify.test_messages import GOOD, notify

LONGEST_TEXT = 20_000
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(max_size=40),
    st.sampled_from(["", ".", "a" * 300, "xn--", "ns1..example", "192.0.2.1", "::1", "0x1", "\u202e", "\x00", "1e400"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
CHANGES = st.lists(st.tuples(st.integers(0, 2**16), VALUES), min_size=1, max_size=4)
PACKETS = st.one_of(
    st.binary(max_size=80),
    st.tuples(st.sampled_from([GOOD, notify(rtype="SOA"), GOOD + bytes(MAX_OCTETS)]), st.binary(max_size=40)).map(
        lambda parts: parts[0] + parts[1]
    ),
    st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)).map(
        lambda change: GOOD[: change[0]] + bytes([change[1]]) + GOOD[change[0] + 1 :]
    ),
)


def places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place in a document: a container, and a key or an index of it."""
    for key in list(document) if isinstance(document, dict) else range(len(document)):
        yield document, key
        if isinstance(document[key], dict | list):
            yield from places(document[key])


def changed(document: Any, changes: list[tuple[int, Any]]) -> Any:
    """Return a document in which values have been replaced at some places."""
    found = copy.deepcopy(document)
    for number, value in changes:
        every = list(places(found))
        container, key = every[number % len(every)]
        container[key] = copy.deepcopy(value)
    return found


def check_refusal(error: RstInputError) -> None:
    """Every problem has a reason, and can be written to a terminal and a log."""
    assert error.problems
    for path, reason in error.problems:
        assert reason
        assert len(path) + len(reason) < LONGEST_TEXT
        f"{path}: {reason}".encode()
    text_of(error).encode()


@given(CHANGES)
@settings(max_examples=examples(100, 500), deadline=None)
def test_any_rst_document_is_read_or_refused_with_reasons(changes: list[tuple[int, Any]]) -> None:
    document = changed(DOCUMENT, changes)
    try:
        inputs = parse_input(document)
    except RstInputError as error:
        check_refusal(error)
        return
    assert parse_input(inputs.as_dict()) == parse_input(inputs.as_dict() | {"dns.gluePolicy": inputs.glue_policy})
    " ".join(inputs.ignored).encode()


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200), VALUES.map(json.dumps)))
@settings(max_examples=examples(60, 400), deadline=None)
def test_any_rst_text_is_read_or_refused_with_reasons(text: str | bytes) -> None:
    try:
        parse_text(text)
    except RstInputError as error:
        check_refusal(error)


@pytest.mark.parametrize("text", ['{"epp.\\ud800": 1}', '{"\\udfff": 1}', '{"dns.gluePolicy": "\\ud800"}'])
def test_text_that_cannot_be_written_is_refused(text: str) -> None:
    document = json.dumps({**DOCUMENT, **json.loads(text)})
    with pytest.raises(RstInputError) as raised:
        parse_text(document)
    check_refusal(raised.value)


def test_a_repeated_key_among_many_is_found_in_linear_time() -> None:
    """The work is counted by comparisons of keys; pairs of 20,000 keys would be 400 million."""
    keys = [f'"epp.{number}": 0' for number in range(20_000)]
    with pytest.raises(RstInputError, match=r"epp\.19999"):
        parse_text("{" + ", ".join([*keys, keys[-1]]) + "}")


@given(PACKETS)
@settings(max_examples=examples(200, 2000), deadline=None)
def test_any_packet_is_ignored_or_gets_one_answer_that_is_no_longer(octets: bytes) -> None:
    found = read_notification(octets)
    if found is None:
        assert len(octets) < 12 or octets[2] & 0x80
        return
    for rcode in (None, dns.rcode.SERVFAIL):
        answer = found.answer(rcode)
        assert answer[:2] == octets[:2]
        assert answer[2] & 0x80
        assert len(answer) <= max(len(octets), 12)  # so the receiver cannot be used to amplify
        dns.message.from_wire(answer, question_only=True)
    if found.domain is not None:
        assert found.rcode == dns.rcode.NOERROR
        assert len(found.domain) <= 253


def check_error(response: Any, statuses: set[int]) -> None:
    assert response.status_code in statuses, response.get_data(as_text=True)[:500]
    error = response.get_json()["error"]
    assert error["code"]
    assert 0 < len(error["message"]) < LONGEST_TEXT


@given(CHANGES)
@settings(max_examples=examples(40, 300), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_check_is_refused_in_the_form_of_the_api_and_queues_nothing(
    client: FlaskClient, queue: QueueParts, changes: list[tuple[int, Any]]
) -> None:
    pause_queue(queue, [CHECK])  # a valid check gets 503, so that nothing waits for an answer
    body = changed({**BODY, "ds_info": [DS], "policy": "registration", "locale": "en"}, changes)
    check_error(client.post(CHECKS, json=body), {400, 413, 503})
    assert list(queue.broker.lists.waiting_ids(CHECK)) == []


@given(st.lists(st.one_of(st.binary(max_size=60), CHANGES), min_size=1, max_size=4))
@settings(max_examples=examples(40, 300), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_batch_with_any_wrong_line_queues_nothing(
    client: FlaskClient, queue: QueueParts, lines: list[bytes | list[tuple[int, Any]]]
) -> None:
    good = {name: value for name, value in BODY.items() if name != "deadline_seconds"}
    made = [line if isinstance(line, bytes) else json.dumps(changed(good, line)).encode() for line in lines]
    content = b"\n".join([*made, b"{"])
    response = client.post(LINES, data=content, content_type="application/jsonl")
    check_error(response, {400})
    assert 1 <= response.get_json()["error"]["details"]["line"] <= content.count(b"\n") + 1
    assert list(queue.broker.lists.waiting_ids(BATCH)) == []
    assert client.get("/api/v1/batches").get_json()["total"] == 0
