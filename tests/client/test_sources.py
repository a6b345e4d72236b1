"""Sources of a batch: lists of names, zone files, exact removal of duplicates, division into batches."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from gonemaster_client.sources.files import SourceError, names_of
from gonemaster_client.sources.parts import parts_of
from gonemaster_client.sources.unique import UniqueNames
from gonemaster_client.sources.zone_files import delegated_names

CZDS = """\
example.\t86400\tin\tsoa\ta.nic.example. hostmaster.nic.example. 1 7200 900 1209600 86400
example.\t86400\tin\tns\ta.nic.example.
alpha.example.\t86400\tin\tns\tns1.alpha.example.
alpha.example.\t86400\tin\tns\tns2.alpha.example.
alpha.example.\t86400\tin\tds\t12345 13 2 AABB
ns1.alpha.example.\t86400\tin\ta\t192.0.2.1
beta.example.\t86400\tin\tns\tns1.alpha.example.
example.\t86400\tin\tsoa\ta.nic.example. hostmaster.nic.example. 1 7200 900 1209600 86400
"""
MASTER = """\
; a zone as operators write it
$TTL 1h
$ORIGIN example.
@ IN SOA ns.nic hostmaster.nic ( 1 7200 ; serial
        900 1209600 86400 )
        NS ns.nic
Alpha   IN 300 NS ns1.alpha
        3600 IN NS "ns2" ; a comment ( with a parenthesis
beta    300 IN NS ns1.alpha.example.
gamma   TXT "no; delegation (" ( "of two
 lines" )
$ORIGIN sub.example.
delta   NS ns1.alpha.example.
sp\\.ot.example. NS ns1.alpha.example.
"""


def written(folder: Path, text: str | bytes, name: str = "file") -> str:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_delegated_names_of_a_czds_file(tmp_path: Path, pack: type[bytes]) -> None:
    names = list(delegated_names(written(tmp_path, pack(CZDS.encode()))))
    assert names == ["alpha.example", "beta.example"]


def test_delegated_names_of_a_file_in_all_forms_of_the_format(tmp_path: Path) -> None:
    names = list(delegated_names(written(tmp_path, MASTER)))
    assert names == ["alpha.example", "beta.example", "delta.sub.example", "sp\\.ot.example"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alpha.example. NS ns.example.\n", "line 1: the file has an NS record before the SOA record"),
        ("names.example\nof.example\n", "has no SOA record: it is no zone file"),
        ("", "has no SOA record"),
        (CZDS + "x.example. TXT ( a\n", "ends inside of parentheses"),
        (CZDS + "x.example. TXT a )\n", "line 9: the file has parentheses that do not match"),
        (CZDS + "$INCLUDE other.zone\n", "has $INCLUDE, which is not supported"),
    ],
)
def test_a_file_that_is_no_complete_zone_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        list(delegated_names(written(tmp_path, text)))
    assert message in str(caught.value)


def test_a_truncated_gzip_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(CZDS.encode() * 1000)[:-20])
    with pytest.raises(SourceError, match="damaged gzip content"):
        list(delegated_names(path))


def test_a_file_of_names_can_have_comments_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffexample.com\n\n# comment\r\nräksmörgås.se # another\n")
    assert list(names_of(path)) == ["example.com", "räksmörgås.se"]


@pytest.mark.parametrize(
    ("text", "message"),
    [(b"a.example\nb c\n", "line 2 has 2 words instead of one name"), (b"a.example\n\xff\n", "line 2 is not UTF-8")],
)
def test_a_file_that_has_no_names_is_refused_with_its_line(tmp_path: Path, text: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        list(names_of(written(tmp_path, text)))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SourceError, match="/no/such/file: No such file or directory"):
        list(names_of("/no/such/file"))


def unique(names: Iterable[str], run_size: int) -> list[str]:
    with UniqueNames(run_size) as found:
        for name in names:
            found.add(name)
        return list(found)


@pytest.mark.parametrize("run_size", [1, 3, 10, 1000])
@pytest.mark.parametrize("order", ["sorted", "reversed", "shuffled", "none"])
def test_each_name_remains_once_in_any_order_of_input(run_size: int, order: str) -> None:
    names = [f"n{number:03}.example" for number in range(100)] * (0 if order == "none" else 3)
    expected = sorted(set(names))
    if order == "reversed":
        names.reverse()
    elif order == "sorted":
        names.sort()
    else:
        random.Random(1).shuffle(names)
    assert unique(names, run_size) == expected


def test_names_are_divided_into_batches_with_the_same_options() -> None:
    parts = list(parts_of((f"n{number}.example" for number in range(5)), {"tags": ["t"]}, size=2))
    documents = [json.loads(part.body) for part in parts]
    assert [part.names for part in parts] == [2, 2, 1]
    assert documents[0] == {"domains": ["n0.example", "n1.example"], "tags": ["t"]}
    assert [name for document in documents for name in document["domains"]] == [
        f"n{number}.example" for number in range(5)
    ]


def test_a_body_stays_below_the_limit_of_the_service() -> None:
    parts = list(parts_of(["x" * 100] * 100, {}, size=1000, max_body=1000))
    assert sum(part.names for part in parts) == 100
    assert max(len(part.body) for part in parts) < 1200
    assert list(parts_of([], {}, size=10)) == []
    assert [part.names for part in parts_of(["", "a.example"], {}, size=10)] == [2]  # the service refuses the empty one
