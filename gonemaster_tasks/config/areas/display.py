"""Settings for what the API and the pages show."""

from dataclasses import dataclass

from gonemaster_tasks.config.option_types import boolean
from gonemaster_tasks.config.options import option


@dataclass(frozen=True, kw_only=True)
class DisplayOptions:
    """The data that the admin API and the public pages show."""

    show_score_admin: bool = option(True, boolean(), "show score and grade in the admin API", runtime=True)
    show_score_public: bool = option(
        True, boolean(), "show score and grade in the public API and on its pages", runtime=True
    )
    show_nameserver_timings_admin: bool = option(
        True, boolean(), "show response times of name servers in the admin API", runtime=True
    )
    show_nameserver_timings_public: bool = option(
        True,
        boolean(),
        "show response times of a domain's name servers in the public API and on its pages",
        runtime=True,
    )
    show_dnssec_chain_public: bool = option(
        True, boolean(), "show the DNSSEC chain of trust in the public API and on its pages", runtime=True
    )
    show_asn_names_public: bool = option(
        True,
        boolean(),
        "show names of autonomous systems (operators of name servers) in the public API and on its pages",
        runtime=True,
    )
    show_history_public: bool = option(
        False,
        boolean(),
        "list earlier public tests of the domain on result pages: anyone with the link to one result finds the others",
        runtime=True,
    )
