"""Documents of runs: encoding and decoding, and damaged data."""

import json
import zlib
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.core.json_text import dump_json
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.runs.documents.codec import CURRENT, compress, decompress
from gonemaster_db.runs.documents.run_document import ParsedDocument, blank_document, decode_document, encode_document

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
ARGS = st.dictionaries(st.text(), JSON, max_size=5)
ENTRIES = st.lists(st.tuples(st.floats(0, 100_000), ARGS), max_size=20)
ROWS = st.none() | st.lists(ARGS, max_size=4)
# A document written by the first version with codec 1. It must never change, because databases contain such rows.
OLDEST = bytes.fromhex("78bbbb132b1333323500020508857b6815c3d310af825c83910e8c81c6228d911bd70200df2f1f76")


def entries(*args: dict[str, Any]) -> list[EntryRecord]:
    return [
        EntryRecord(number / 8, "BASIC", "basic01", "B01_CHILD_FOUND", "INFO", one) for number, one in enumerate(args)
    ]


def encoded(*args: dict[str, Any], timings: Any = None, chain: Any = None) -> tuple[int, bytes]:
    found = encode_document(entries(*args), timings, chain)
    assert found is not None
    return found


def stored(value: Any) -> Any:
    """Return the value after a round trip through JSON that databases accept."""
    return json.loads(dump_json(value))


@given(ENTRIES, ROWS, st.none() | ARGS)
def test_documents_survive_encoding(lines: list[tuple[float, Any]], timings: Any, chain: Any) -> None:
    made = encode_document([EntryRecord(time, "", "", "", "INFO", args) for time, args in lines], timings, chain)
    document = blank_document(0) if made is None else decode_document(*made)
    assert document.timestamps == [round(time * 1000) / 1000 for time, _ in lines]
    assert [document.arguments(number) for number in range(len(lines))] == [stored(args) for _, args in lines]
    assert document.nameserver_timings == stored(timings)
    assert (document.chain, document.has_chain) == (stored(chain), chain is not None)


@given(ROWS, st.none() | ARGS)
def test_empty_data_has_no_document(timings: Any, chain: Any) -> None:
    assert (encode_document([], timings, chain) is None) == (timings is None and chain is None)


def test_one_entry_is_read_without_the_others() -> None:
    document = ParsedDocument(b'0 0 0\n{"a":1}\nbroken\n{"a":3}\n\n')
    assert document.arguments(2) == {"a": 3}
    with pytest.raises(DocumentDamaged):
        document.arguments(1)


def test_a_missing_entry_is_damage() -> None:
    document = decode_document(*encoded({"a": 1}))
    for number in (-1, 1):
        with pytest.raises(DocumentDamaged, match="no entry"):
            document.arguments(number)


def test_damaged_bytes_are_detected() -> None:
    codec, data = encoded(*({"servers": [{"ns": f"ns{number}.example"}]} for number in range(20)))
    for broken in (data[:-5], data[: len(data) // 2], b"", bytes([*data[:20], data[20] ^ 0xFF, *data[21:]])):
        with pytest.raises(DocumentDamaged):
            decode_document(codec, broken)


def test_unknown_codec_is_damage() -> None:
    with pytest.raises(DocumentDamaged, match="codec 99 is not supported"):
        decompress(99, b"")


@pytest.mark.parametrize("text", [b"", b"\n", b"0 0\n{}\n\n", b"word\n{}\n\n"])
def test_inconsistent_lines_are_damage(text: bytes) -> None:
    with pytest.raises(DocumentDamaged):
        _ = decode_document(CURRENT, compress(text)).timestamps


def test_document_of_the_oldest_codec_is_readable() -> None:
    document = decode_document(1, OLDEST)
    assert document.timestamps == [0.25, 0.5]
    assert document.arguments(0) == {"domain": "example.com"}
    assert document.nameserver_timings == [{"nameserver": "ns1.example.com", "count": 3}]
    assert document.chain == {"version": 3}


def test_released_dictionary_is_unchanged() -> None:
    """Each document contains the checksum of its dictionary and cannot be read with another one."""
    text = files("gonemaster_db.runs.documents").joinpath("dictionary1.txt").read_bytes()
    assert zlib.adler32(text) == 0xBB132B13
