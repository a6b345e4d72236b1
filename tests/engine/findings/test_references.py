"""Each finding names the document that defines its subject."""

from __future__ import annotations

from collections import Counter

import pytest

from gonemaster_engine.findings.references import CASES, TAGS, reference
from gonemaster_engine.findings.tags import SYSTEM
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.testcases.catalogue import cases, modules


@pytest.mark.parametrize("case_id", list(cases()))
def test_every_tag_of_a_test_case_has_a_reference(case_id: str) -> None:
    assert [tag.name for tag in cases()[case_id].tags if reference(tag.name, case_id) is None] == []


def test_tables_name_what_exists_and_each_name_once() -> None:
    tags = {tag.name for case in cases().values() for tag in case.tags} | default_profile().levels[SYSTEM].keys()
    tags |= {tag.name for module in modules().values() for tag in module.extra_tags}
    for table, known in ((CASES, cases().keys()), (TAGS, tags)):
        named = Counter(name for names in table.values() for name in names.split())
        assert named.keys() - known == set()
        assert [name for name, count in named.items() if count > 1] == []


def test_tag_is_nearer_than_its_test_case() -> None:
    found = reference("IN_DOMAIN_GLUE_MISSING", "delegation01")
    assert found is not None
    assert found == ("https://www.rfc-editor.org/rfc/rfc9471#section-3", "RFC 9471 § 3")
    assert reference("NAMES_MATCH", "delegation07") == reference("NO_SUCH_TAG", "delegation07")
    assert reference("RUN_LIMIT_REACHED", "") is None
