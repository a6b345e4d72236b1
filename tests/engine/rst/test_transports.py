"""dns-zz-consistency over DoT, DoH and DoQ, with servers built from the same libraries."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gonemaster_engine.rst import encrypted
from gonemaster_engine.rst.codes import CONSISTENCY
from gonemaster_engine.rst.document import parse_input
from gonemaster_engine.rst.report import CaseReport, RstReport, RstResult
from tests.engine.rst.code_zones import healthy
from tests.engine.rst.running import case_of, report_of, run_tlds
from tests.support.certificates import Certificates, make_certificates
from tests.support.dnsworld import World, faults
from tests.support.encrypted_servers import EncryptedServers
from tests.support.rst_worlds import A1, SERVERS, V6_1, counted_network, input_of

ENCRYPTED = ("DoT", "DoH", "DoQ")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return a certificate for another name, from an unknown authority: RST does not validate certificates."""
    return make_certificates(tmp_path_factory.mktemp("tls"), "other.example")


@pytest.fixture
def rehearse_encrypted(certificates: Certificates) -> Callable[..., RstReport]:
    def rehearse(
        world: World, *protocols: str, spoil: Callable[[EncryptedServers], object] = lambda _: None
    ) -> RstReport:
        inputs = parse_input(input_of(world, supports={SERVERS[0]: protocols}))
        with counted_network(), world, EncryptedServers(world, (A1, V6_1), certificates) as listening:
            spoil(listening)
            runs = run_tlds(world, inputs, ports=listening.ports)
            connections.update(listening.connections)
        return report_of(inputs, runs)

    connections.clear()
    return rehearse


connections: dict[str, int] = {}


def _failed_over(case: CaseReport, code: str = "DNS_CONSISTENCY_QUERY_FAILED") -> set[str]:
    return {finding.entry.args["protocol"] for finding in case.findings if finding.code == code}


def test_same_responses_over_all_transports_pass(rehearse_encrypted: Callable[..., RstReport]) -> None:
    world = healthy()
    world.server(A1).set(nsid=b"fra1")
    report = rehearse_encrypted(world, *ENCRYPTED)
    assert report.result is RstResult.PASS
    assert connections == {"DoT": 2, "DoH": 2, "DoQ": 2}  # one for each address
    seen = {each.entry.args["protocol"]: each.entry.args["nsid"] for each in report.identities}
    assert seen == {protocol: ["fra1"] for protocol in ("UDP", "TCP", *ENCRYPTED)}


@pytest.mark.parametrize("protocol", ENCRYPTED)
def test_other_response_over_one_transport_fails(protocol: str, rehearse_encrypted: Callable[..., RstReport]) -> None:
    world = healthy()
    other = faults.answers(answer='xa. 3600 TXT "only here"')
    world.server(A1).fault(other, qtype="TXT", transport=protocol.lower())
    case = case_of(rehearse_encrypted(world, protocol), CONSISTENCY)
    assert case.codes == ["DNS_INCONSISTENT_RESPONSES"]
    (finding,) = case.findings
    assert finding.entry.args["servers"] == [{"ns": SERVERS[0], "address": A1, "protocol": protocol}]


@pytest.mark.parametrize("protocol", ENCRYPTED)
def test_silence_over_one_transport_fails(protocol: str, rehearse_encrypted: Callable[..., RstReport]) -> None:
    world = healthy()
    world.server(A1).fault(faults.silence(), qtype="TXT", transport=protocol.lower())
    case = case_of(rehearse_encrypted(world, protocol), CONSISTENCY)
    (finding,) = case.findings
    assert finding.entry.args["protocol"] == protocol
    assert finding.entry.args["failed_queries"] == ["xa TXT"]
    assert finding.entry.args["reason"] == "timeout"


def test_server_that_does_not_listen_gets_three_queries_only(certificates: Certificates) -> None:
    world = healthy()
    inputs = parse_input(input_of(world, supports={SERVERS[0]: ENCRYPTED}))
    with counted_network(), world:
        with EncryptedServers(world, (A1, V6_1), certificates) as listening:
            ports = listening.ports
        case = case_of(report_of(inputs, run_tlds(world, inputs, ports=ports)), CONSISTENCY)
    assert _failed_over(case) == set(ENCRYPTED)
    assert all(len(finding.entry.args["failed_queries"]) == 11 for finding in case.findings)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda servers: setattr(servers, "doh_status", 404), "HTTP status 404"),
        (lambda servers: setattr(servers, "doh_body", lambda wire: wire * 2000), "longer than a DNS message"),
        (lambda servers: setattr(servers, "doh_body", lambda wire: wire[:14]), "name"),
        (lambda servers: setattr(servers, "doh_body", lambda _: b"<html>no"), "not a response"),
    ],
)
def test_unusable_http_response_fails(
    spoil: Callable[[EncryptedServers], object], reason: str, rehearse_encrypted: Callable[..., RstReport]
) -> None:
    case = case_of(rehearse_encrypted(healthy(), "DoH", spoil=spoil), CONSISTENCY)
    assert _failed_over(case) == {"DoH"}
    assert all(reason in finding.entry.args["reason"] for finding in case.findings)


def test_without_the_extra_a_transport_is_undecided_and_the_package_is_named(
    monkeypatch: pytest.MonkeyPatch, rehearse_encrypted: Callable[..., RstReport]
) -> None:
    monkeypatch.setitem(encrypted._NEEDS, "DoQ", ("no_such_package",))
    case = case_of(rehearse_encrypted(healthy(), "DoQ"), CONSISTENCY)
    assert case.result is RstResult.UNDECIDED
    (finding,) = case.findings
    assert finding.entry.args["packages"] == ["no_such_package"]
    assert "gonemaster[encrypted]" in finding.as_dict()["message"]
