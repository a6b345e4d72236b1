"""Packed positions are unpacked unchanged, and damaged data is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.runs.documents.positions import pack_positions, unpack_positions


@given(st.sets(st.integers(0, 2**32 - 1), max_size=200).map(sorted))
def test_positions_survive_packing(positions: list[int]) -> None:
    assert list(unpack_positions(pack_positions(positions))) == positions


def test_adjacent_positions_take_less_than_a_byte_each() -> None:
    positions = list(range(0, 150_000, 3))
    assert len(pack_positions(positions)) < 1000
    assert list(unpack_positions(pack_positions(positions))) == positions
    assert len(pack_positions([7])) == 5


@pytest.mark.parametrize("data", [b"\x01none", b"\x00abc", b"\x01", b"\x01x\x9c"])
def test_damaged_positions_are_refused(data: bytes) -> None:
    with pytest.raises(DocumentDamaged):
        unpack_positions(data)


@pytest.mark.parametrize("positions", [[-1], [2**32], [5, 3]])
def test_unordered_or_large_positions_are_refused(positions: list[int]) -> None:
    with pytest.raises(OverflowError):
        pack_positions(positions)
