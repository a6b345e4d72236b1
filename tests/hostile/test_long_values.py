"""Values from outside that are longer than their specification allows are refused before any pattern is matched."""

from __future__ import annotations

import pytest

from gonemaster_engine.asn import lookup
from gonemaster_engine.testcases.zone import _caa, _spf
from gonemaster_engine.testcases.zone._caa import Caa
from gonemaster_engine.testcases.zone._spf import POLICY_MAX_CHARACTERS, follows_grammar


def test_a_policy_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = "v=spf1" + " ip4:192.0.2.1" * 300
    cut = policy[:POLICY_MAX_CHARACTERS].rpartition(" ")[0]
    assert follows_grammar(cut)
    monkeypatch.setattr(_spf, "terms", None)  # would raise TypeError
    assert not follows_grammar(policy)


@pytest.mark.parametrize("tag", ["issue", "iodef"])
def test_a_property_that_is_too_long_is_not_matched(tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_caa, "ISSUE", None)  # would raise AttributeError
    monkeypatch.setattr(_caa, "urlsplit", None)
    assert not Caa(0, tag, "https://" + "a" * 4096).has_valid_value


@pytest.mark.parametrize("digits", [11, 5_000, 60_000])
def test_numbers_above_32_bits_are_no_as_numbers(digits: int) -> None:
    """Python refuses to convert more than 4,300 digits."""
    long = "9" * digits
    assert lookup._read_cymru(f"{long} | 192.0.2.0/24 | ZZ") is None
    assert lookup._read_whois(f"{long} 192.0.2.0/24 300") is None
    found = lookup._read_cymru(f"{long} 64500 | 192.0.2.0/24 | ZZ")
    assert found is not None
    assert found.asns == {64500}
