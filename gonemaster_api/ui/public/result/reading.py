"""Reads the data on the page of a finished test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.jobs.public_jobs import asns_of, read_public_chain
from gonemaster_api.queries.runs.last_time import LastTime, read_last_time
from gonemaster_api.queries.runs.results import RunWithEntries, parts_for_public, read_finished_run
from gonemaster_api.state import State
from gonemaster_api.ui.public.form.typed_fields import DsRow, NameserverRow, TypedFields
from gonemaster_api.ui.public.form.views import parent_of_host
from gonemaster_api.ui.public.result.servers import Servers, servers
from gonemaster_api.ui.public.result.verdict import Banner, Card, banner, card, reduced_banner
from gonemaster_api.ui.shell.causes import ShownCauses
from gonemaster_api.ui.shell.charts.chains import ChainPicture, chain_view
from gonemaster_api.ui.shell.charts.own_servers import own_servers
from gonemaster_api.ui.shell.charts.ways import WayBand, way_of
from gonemaster_api.ui.shell.findings import Findings
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_db.models import Run, RunStatus
from gonemaster_engine.findings.messages import best_locale
from gonemaster_engine.testcases.catalogue import select


@dataclass(frozen=True)
class Result:
    """A finished test as the public sees it, in one language; a shared one leads to no other page with results."""

    state: State
    finished: RunWithEntries
    locale: str
    shared_until: datetime | None = None

    @property
    def run(self) -> Run:
        """The run."""
        return self.finished.run

    @property
    def is_complete(self) -> bool:
        """Whether the test finished."""
        return self.run.status is RunStatus.SUCCEEDED

    @cached_property
    def findings(self) -> Findings:
        """The findings."""
        return Findings(self.finished.entries, locale=self.locale, causes=self.causes)

    @cached_property
    def causes(self) -> ShownCauses:
        """The root causes."""
        return ShownCauses(self.finished, self.locale)

    @cached_property
    def banner(self) -> Banner:
        """The banner with the worst level."""
        if self.causes:
            return Banner(self.causes.level, self.causes.sentence)
        if self.finished.is_reduced and self.is_complete:
            return reduced_banner(self.run)
        return banner(self.run, self.findings, self.finished.verdict, locale=self.locale)

    @property
    def has_verdict(self) -> bool:
        """Whether the test could not judge a zone, so that its page shows one sentence instead of findings."""
        return self.finished.verdict is not None

    @property
    def test_instead(self) -> str:
        """The domain to test instead: the zone that the name is in, or that of a host name; empty if there is none."""
        verdict = self.finished.verdict
        return (verdict.test_instead or "") if verdict else parent_of_host(self.run.domain)

    @property
    def test_first(self) -> str:
        """The main action of a result without a zone: test `parent`, or `other` if only a top-level domain is left.

        Empty if the result has a zone or no parent to test: then the main action is to test again.
        """
        if not self.has_verdict or not self.test_instead:
            return ""
        return "parent" if "." in self.test_instead else "other"

    @cached_property
    def card(self) -> Card | None:
        """The grade card, None if the operator hides scores or the test has no score."""
        score = self.finished.score
        if score is None or not parts_for_public(self.state.settings).score:
            return None
        return card(score, locale=self.locale)

    @cached_property
    def servers(self) -> Servers:
        """The response times of the name servers, without rows if the operator hides them."""
        shown = self.finished.nameserver_timings if parts_for_public(self.state.settings).timings else ()
        return servers(shown, own_servers=own_servers(self.finished.entries))

    @cached_property
    def way(self) -> Sequence[WayBand]:
        """The parent zone and the name servers, with state and time; none if the operator hides timings."""
        shown = self.finished.nameserver_timings if parts_for_public(self.state.settings).timings else ()
        if self.has_verdict:
            return ()
        return way_of(self.run.domain, self.finished.entries, shown, self.finished.read_chain())

    @property
    def has_chain(self) -> bool:
        """Whether there is a chain of trust to show."""
        return self.finished.has_chain and self.state.settings.show_dnssec_chain_public

    @cached_property
    def last_time(self) -> LastTime | None:
        """What changed since the previous public test, None if the operator hides earlier tests."""
        if not self.has_history:
            return None
        return read_last_time(self.state, self.finished, only_public=True, locale=self.locale)

    @property
    def has_history(self) -> bool:
        """Whether the operator makes the earlier tests of the domain public."""
        return self.state.settings.show_history_public and not self.shared_until

    @cached_property
    def chain(self) -> ChainPicture | None:
        """The chain of trust, None if it does not exist or the operator hides it."""
        document = self.chain_document
        return None if document is None else chain_view(document)

    @cached_property
    def chain_document(self) -> Any | None:
        """The document of the stored chain of trust."""
        if self.has_chain and self.shared_until:
            return self.finished.read_chain()
        if not self.has_chain or not self.run.public_id:
            return None
        try:
            _version, document = read_public_chain(self.state, self.run.public_id)
        except ApiError:  # The chain was deleted or is damaged, which is logged. The other parts are still shown.
            return None
        return document

    @cached_property
    def asns(self) -> list[int]:
        """The AS numbers in the entries, empty if the operator hides them."""
        is_shown = self.state.settings.show_asn_names_public and not self.shared_until
        return asns_of(self.finished.entries) if is_shown else []

    @cached_property
    def excluded(self) -> list[str]:
        """Test cases that the operator excludes."""
        exclude = self.state.settings.exclude
        return [case.id for case in select(exclude)] if exclude else []

    @property
    def available_until(self) -> datetime | None:
        """The time after which the result may be deleted, None if it has no end."""
        days = self.state.settings.retention_days
        return self.run.finished_at + timedelta(days=days) if days else None

    @property
    def seconds(self) -> float | None:
        """The duration of the test in seconds."""
        return None if self.run.duration_ms is None else self.run.duration_ms / 1000

    @cached_property
    def order(self) -> TypedFields:
        """The form of a new test with the same options."""
        return order_of(self.run.domain, self.run.config, self.run.profile_id)


def read_result(state: State, run: Run, *, shared_until: datetime | None = None) -> Result:
    """Read a finished run. Raises DocumentDamaged."""
    return Result(state, read_finished_run(state, run.id), best_locale(language()), shared_until)


def order_of(domain: str, config: dict[str, Any], profile_id: int | None) -> TypedFields:
    """Return the form with the options of a job or run."""
    nameservers: Sequence[Any] = config.get("nameservers") or ()
    return TypedFields(
        domain=domain,
        ipv4=not config.get("ipv4_disabled"),
        ipv6=not config.get("ipv6_disabled"),
        profile="" if profile_id is None else str(profile_id),
        nameservers=tuple(NameserverRow(str(row["ns"]), str(row.get("ip", ""))) for row in nameservers),
        ds=tuple(
            DsRow(*(str(record[name]) for name in ("keytag", "algorithm", "digtype", "digest")))
            for record in config.get("ds") or ()
        ),
    )
