"""IDs, levels, JSON text and the encoding for COPY."""

import json
import string
from math import inf, nan

import pytest

from gonemaster_db.core.ids import _base62, batch_key, job_ids, new_batch_id, new_job_id, new_public_id
from gonemaster_db.core.json_text import clean_text, dump_json
from gonemaster_db.core.levels import LEVELS, at_least, count_severities, worst

BASE62 = set(string.digits + string.ascii_letters)


def test_ids_sort_by_creation_and_do_not_repeat() -> None:
    ids = [new_job_id() for _ in range(2000)]
    assert len(set(ids)) == 2000
    moments = [job_id[:13] for job_id in ids]
    assert moments == sorted(moments)
    assert {len(job_id) for job_id in ids} == {len("job_") + 19}
    assert all(job_id.startswith("job_") and set(job_id[4:]) <= BASE62 for job_id in ids)
    assert new_batch_id().startswith("batch_")


def test_keys_of_batches_sort_like_their_ids_and_fit_a_signed_number() -> None:
    ids = sorted(new_batch_id() for _ in range(2000))
    assert [batch_key(batch_id) for batch_id in ids] == sorted(batch_key(batch_id) for batch_id in ids)
    far = ["batch_00000000000" + "0" * 8, "batch_" + _base62(2**64 - 1, 11) + "z" * 8]
    assert [batch_key(batch_id) for batch_id in far] == [-(2**63), 2**63 - 1]


@pytest.mark.parametrize(
    "text", ["", "batch_", "batch_0123456789", "batch_012345678-a" + "0" * 8, "batch_" + "z" * 19, "job_" + "0" * 19]
)
def test_other_strings_have_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="not a batch ID"):
        batch_key(text)


def test_bulk_ids_ascend_and_fit_the_column() -> None:
    numbered = job_ids()
    ids = [next(numbered) for _ in range(5000)]
    assert ids == sorted(set(ids))
    assert max(map(len, ids)) <= 40
    assert not set(ids) & {next(job_ids()) for _ in range(10)}


def test_public_ids_are_twelve_characters_of_base_62() -> None:
    ids = {new_public_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(key) == 12 and set(key) <= BASE62 for key in ids)


def test_levels_are_compared_by_their_order() -> None:
    assert worst(["INFO", "ERROR", "NOTICE"]) == "ERROR"
    assert worst([]) is None
    assert count_severities(["INFO", "ERROR", "ERROR"]) == {"NOTICE": 0, "WARNING": 0, "ERROR": 2, "CRITICAL": 0}
    assert at_least("ERROR") == ("ERROR", "CRITICAL")
    assert at_least("DEBUG3") == LEVELS


def test_json_text_contains_nothing_that_postgres_refuses() -> None:
    assert dump_json({"a": ["\u00e9", 1, None]}) == '{"a":["\u00e9",1,null]}'
    assert json.loads(dump_json("a\0b\\u0000\ud800")) == "a\ufffdb\\u0000?"
    assert clean_text("a\0\ud800\u00e9") == "a\ufffd?\u00e9"
    assert dump_json({"a": [inf, (nan, 1.5)], nan: -inf}) == '{"a":[null,[null,1.5]],"nan":null}'
