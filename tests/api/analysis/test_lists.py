"""Public lists and details show the content of a snapshot, at each of their URLs."""

from dataclasses import replace
from typing import Any

from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from tests.api.analysis.conftest import ROOT, Get
from tests.support.analysis_world import Chance, Derived, DomainFacts, make_cohort, make_snapshot, sorted_rows

LISTS = {
    "domains": "domain",
    "nameservers": "nameserver",
    "endpoints": "endpoint",
    "asns": "asn",
    "prefixes": "prefix",
    "tags": "tag",
    "testcases": "testcase",
}

REFUSALS: tuple[tuple[str, dict[str, Any], int, str], ...] = (
    ("/domains", {"limit": 501}, 400, "invalid_limit"),
    ("/domains", {"offset": -1}, 400, "invalid_offset"),
    ("/domains", {"sort": "worst_level_asc"}, 400, "invalid_sort"),
    ("/domains", {"min_level": "BAD"}, 400, "invalid_min_level"),
    ("/domains", {"worst_level": "FINE"}, 400, "invalid_worst_level"),
    ("/domains", {"dnssec_posture": "odd"}, 400, "invalid_dnssec_posture"),
    ("/domains", {"search": "x" * 256}, 400, "invalid_search"),
    ("/nameservers", {"min_latency_samples": 2**31}, 400, "invalid_min_latency_samples"),
    ("/domains/nowhere.example", {}, 404, "not_found"),
    ("/domains/a..b", {}, 400, "invalid_domain"),
    ("/nameservers/nowhere.example", {}, 404, "not_found"),
    ("/endpoints/1.2.3", {}, 400, "invalid_address"),
    ("/endpoints/fe80::1%25eth0", {}, 400, "invalid_address"),
    ("/endpoints/203.0.113.9", {}, 404, "not_found"),
    ("/asns/4294967296", {}, 400, "invalid_asn"),
    ("/asns/AS1x", {}, 400, "invalid_asn"),
    ("/asns/65000", {}, 404, "not_found"),
    ("/prefix", {}, 400, "missing_prefix"),
    ("/prefix", {"prefix": "192.0.2.1/24"}, 400, "invalid_prefix"),
    ("/prefix", {"prefix": "192.0.2.1"}, 400, "invalid_prefix"),
    ("/prefix", {"prefix": "203.0.113.0/24"}, 404, "not_found"),
    ("/testcase", {"module": "ZONE"}, 400, "missing_testcase"),
    ("/testcase", {"module": "ZONE", "testcase": "zone99"}, 404, "not_found"),
    ("/tags/NO_SUCH_TAG", {}, 404, "not_found"),
    ("/cohorts/no/domains", {}, 404, "cohort_not_found"),
    ("/snapshots/2020-01-01-000000000000/domains", {}, 404, "snapshot_not_found"),
)  # fmt: skip


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Convert times to the format of the API."""
    return [
        {key: value.isoformat().replace("+00:00", "Z") if key == "finished_at" else value for key, value in row.items()}
        for row in rows
    ]


def without_labels(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in item.items() if not key.endswith(("_label", "_tone"))} for item in items]


def test_lists_show_all_rows(get: Get, course: list[Derived]) -> None:
    shown = course[-1]
    for path, kind in LISTS.items():
        page = get(f"/cohorts/se/snapshots/{shown.facts.slug}/{path}", limit=500)
        expected = plain(shown.rows[kind])
        if not page["sort"].startswith(kind):
            expected = sorted_rows(expected, "domain_count", descending=True)
        clean = without_labels if kind == "domain" else list
        assert clean(page["items"]) == clean(expected)
        assert (page["total"], page["dataset_tag"], page["snapshot"]) == (len(expected), "se", shown.facts.slug)


def test_domains_say_what_their_algorithm_and_posture_mean(get: Get, course: list[Derived]) -> None:
    found = get("/domains", limit=500)["items"]
    labels = {
        (one["dnskey_algo_weakest"], one["dnskey_algo_weakest_label"], one["dnskey_algo_weakest_tone"]) for one in found
    }
    assert labels == {(None, None, None), (5, "RSASHA1", "error"), (8, "RSASHA256", "notice"),
                      (13, "ECDSAP256SHA256", "ok"), (15, "ED25519", "ok")}  # fmt: skip
    assert {one["dnssec_posture_tone"] for one in found} == {"ok", "warning", "error", "neutral"}


def test_cohort_and_snapshot_may_be_left_out(get: Get, course: list[Derived]) -> None:
    newest, first = course[-1].facts.slug, course[0].facts.slug
    for path in LISTS:
        full = get(f"/cohorts/se/snapshots/{newest}/{path}")
        assert full == get(f"/cohorts/se/{path}") == get(f"/{path}") == get(f"/snapshots/{newest}/{path}")
        assert get(f"/snapshots/{first}/{path}")["snapshot"] == first


def test_filters_and_pages_join(get: Get, course: list[Derived]) -> None:
    rows = [row for row in course[-1].rows["domain"] if row["grade"] == "A" and "a" in row["domain"]]
    names = [row["domain"] for row in rows]
    joined = []
    for offset in range(0, len(names), 2):
        page = get("/domains", grade="A", search=" A ", limit=2, offset=offset)
        assert page["total"] == len(names)
        assert page.get("next_cursor") == (str(offset + 2) if offset + 2 < len(names) else None)
        joined += [item["domain"] for item in page["items"]]
    assert joined == names


def test_search_takes_names_as_people_write_them(get: Get, store: Store) -> None:
    facts = replace(Chance(1).snapshot(1), domains=(DomainFacts("xn--bcher-kva.se"),))
    make_snapshot(store, make_cohort(store), facts)
    assert [item["domain"] for item in get("/domains", search="BÜCHER")["items"]] == ["xn--bcher-kva.se"]
    assert get("/domains", search="ö" * 200)["total"] == 0
    assert get("/domains/Bücher.SE.")["domain"] == "xn--bcher-kva.se"


def test_nameserver_has_its_domains_addresses_and_networks(get: Get, course: list[Derived]) -> None:
    shown = course[-1]
    for name in shown.keys["nameserver"]:
        found = get(f"/nameservers/{name.upper()}.")
        row = shown.rows["nameserver"][shown.places["nameserver"][name]]
        assert {key: found[key] for key in row} == row
        assert [one["domain"] for one in found["domains"]] == shown.of("nameserver", name, "domain")
        assert [one["address"] for one in found["addresses"]] == [
            one for _, one in shown.of("nameserver", name, "endpoint")
        ]
        assert [one["asn"] for one in found["asns"]] == shown.of("nameserver", name, "asn")
        assert found["latency_ipv4"] == 1.5


def test_domains_of_an_object_are_paged(get: Get, course: list[Derived]) -> None:
    shown = course[-1]
    name = max(shown.keys["nameserver"], key=lambda one: len(shown.of("nameserver", one, "domain")))
    expected = shown.of("nameserver", name, "domain")
    joined = []
    for offset in range(0, len(expected) + 3, 3):
        page = get(f"/nameservers/{name}", limit=3, offset=offset)
        assert (page["limit"], page["offset"], page["domain_count"]) == (3, offset, len(expected))
        joined += [one["domain"] for one in page["domains"]]
    assert joined == expected


def test_address_of_several_servers_needs_a_name(get: Get, course: list[Derived]) -> None:
    shown = course[-1]
    for name, address in shown.keys["endpoint"]:
        found = get(f"/endpoints/{address}", nameserver=name)
        assert (found["nameserver"], found["address"]) == (name, address)
        assert [one["domain"] for one in found["domains"]] == shown.of("endpoint", (name, address), "domain")
        sharing = [one for one, other in shown.keys["endpoint"] if other == address]
        if len(sharing) == 1:
            assert get(f"/endpoints/{address}") == found
        else:
            refusal = get(f"/endpoints/{address}", status=400)
            assert (refusal["code"], refusal["details"]["nameservers"]) == ("missing_nameserver", sharing)
    assert any(":" in address for _, address in shown.keys["endpoint"])


def test_networks_and_findings_have_what_belongs_to_them(get: Get, course: list[Derived]) -> None:
    shown = course[-1]
    for asn in shown.keys["asn"]:
        found = get(f"/asns/AS{asn}")
        assert found == get(f"/asns/{asn}")
        assert [one["nameserver"] for one in found["nameservers"]] == shown.of("asn", asn, "nameserver")
        assert [one["prefix"] for one in found["prefixes"]] == shown.of("asn", asn, "prefix")
        assert [one["domain"] for one in found["domains"]] == shown.of("asn", asn, "domain")
    for prefix in shown.keys["prefix"]:
        found = get("/prefix", prefix=prefix.upper())
        assert [(one["nameserver"], one["address"]) for one in found["addresses"]] == shown.of(
            "prefix", prefix, "endpoint"
        )
        assert [one["asn"] for one in found["asns"]] == shown.of("prefix", prefix, "asn")
        assert [one["domain"] for one in found["domains"]] == shown.of("prefix", prefix, "domain")
    for module, testcase in shown.keys["testcase"]:
        found = get("/testcase", module=module.lower(), testcase=testcase.upper())
        assert [one["tag"] for one in found["tags"]] == [
            one[0] for one in shown.keys["tag"] if one[1:] == (module, testcase)
        ]
        assert [one["domain"] for one in found["domains"]] == shown.of("testcase", (module, testcase), "domain")


def test_message_tag_is_shown_over_all_its_test_cases(get: Get, course: list[Derived]) -> None:
    shown = course[-1]
    for tag in {one[0] for one in shown.keys["tag"]}:
        findings = [one for one in shown.keys["tag"] if one[0] == tag]
        found = get(f"/tags/{tag.lower()}")
        names = sorted({name for one in findings for name in shown.of("tag", one, "domain")})
        assert [one["domain"] for one in found["domains"]] == names
        assert found["domain_count"] == len(names)
        assert [one["testcase"] for one in found["testcases"]] == [one[2] for one in findings]
    assert len(get("/tags/NO_RESPONSE")["testcases"]) == 2


def test_domain_has_its_servers_and_findings(get: Get, course: list[Derived]) -> None:
    shown = course[-1]
    statuses = set()
    for name, domain in shown.of_domain.items():
        found = get(f"/domains/{name}")
        assert {one["nameserver"]: tuple(sorted(one["addresses"])) for one in found["nameservers"]} == {
            server: tuple(sorted(addresses)) for server, addresses in domain.servers.items()
        }
        assert [one["tag"] for one in found["tags"]] == [one[0] for one in shown.of("domain", name, "tag")]
        silent = {one["address"] for one in found["addresses"] if one.get("status") == "unreachable"}
        answering = {
            address
            for pair in shown.of("domain", name, "endpoint")
            if pair not in domain.unreachable
            for address in pair[1:]
        }
        assert {one["address"] for one in found["addresses"]} - silent == answering
        assert found["entries"] is None
        statuses |= {one.get("status") for one in (*found["nameservers"], *found["addresses"])}
    assert statuses == {None, "unresolved", "unreachable"}


def test_bad_requests_are_refused(get: Get, course: list[Derived]) -> None:
    for path, query, status, code in REFUSALS:
        assert get(path, status=status, **query)["code"] == code, path


def test_unchanged_response_is_not_sent_again(client: FlaskClient, course: list[Derived]) -> None:
    for path in ("/domains", "/overview", "/trends", "/history?entity=tag&key=NO_RESPONSE", "/cohorts/se"):
        first = client.get(f"{ROOT}{path}")
        assert first.headers["Cache-Control"] == "no-cache"
        again = client.get(f"{ROOT}{path}", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        compressed = client.get(f"{ROOT}{path}", headers={"Accept-Encoding": "gzip"})
        again = client.get(
            f"{ROOT}{path}", headers={"If-None-Match": compressed.headers["ETag"], "Accept-Encoding": "gzip"}
        )
        assert again.status_code == 304
        assert client.get(f"{ROOT}{path}", headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get(f"{ROOT}/snapshots").headers["Cache-Control"] == "public, max-age=60"
