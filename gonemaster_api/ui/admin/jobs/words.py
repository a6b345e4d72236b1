"""Labels of score categories and of criteria for A+, in the language of the request."""

from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.ui.shell.texts.words import module_name

_CATEGORIES = {
    "dnssec": mark("DNSSEC"),
    "nameserver_health": mark("Name servers"),
    "connectivity": mark("Connectivity"),
    "zone_consistency": mark("Zone and consistency"),
}
_CRITERIA = {
    "no_warnings_or_errors": mark("No warnings or errors"),
    "dnssec_enabled": mark("DNSSEC enabled"),
    "strong_algorithm": mark("Strong algorithm"),
    "nsec3_non_optout": mark("NSEC3 without opt-out"),
    "cds_cdnskey_published": mark("CDS or CDNSKEY published"),
    "ipv6_all_nameservers": mark("IPv6 on all name servers"),
    "as_diversity": mark("More than one network"),
}


def category_name(category: str) -> str:
    """Return the label of a category; custom categories keep their name."""
    return gettext(_CATEGORIES[category]) if category in _CATEGORIES else category


def criterion_name(criterion: str) -> str:
    """Return the label of a criterion for A+."""
    return gettext(_CRITERIA[criterion]) if criterion in _CRITERIA else criterion


WORDS = {"module": module_name, "category": category_name, "criterion": criterion_name}
