"""The pages about message tags, test cases and root causes."""

from __future__ import annotations

from flask import Blueprint, Response

from gonemaster_api.errors import NotFound
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_engine.findings.causes.registry import RULES
from gonemaster_engine.findings.messages import best_locale, description
from gonemaster_engine.help.links import HELP_PATH
from gonemaster_engine.help.pages import case_help, cause_help, tag_help
from gonemaster_engine.testcases.catalogue import modules

blueprint = Blueprint("ui_help", __name__, url_prefix=HELP_PATH)


@blueprint.get("/")
def show() -> Response:
    """List the root causes, and the test cases by module."""
    locale = best_locale(language())
    causes = [(rule.id, rule.as_dict(locale=locale)["title"]) for rule in RULES]
    listed = {
        name: [(case.id, description(case.purpose, locale=locale)) for case in module.cases]
        for name, module in modules().items()
    }
    return page("public/help/page.html", causes=causes, modules=listed)


@blueprint.get("/tags/<tag>")
def tag(tag: str) -> Response:
    """Show the page of a message tag.

    Raises:
        NotFound: there is no such tag.
    """
    found = tag_help(tag, locale=best_locale(language()))
    if found is None:
        raise NotFound("message tag", tag)
    return page("public/help/tag.html", found=found)


@blueprint.get("/test-cases/<case>")
def case(case: str) -> Response:
    """Show the page of a test case.

    Raises:
        NotFound: there is no such test case.
    """
    found = case_help(case, locale=best_locale(language()))
    if found is None:
        raise NotFound("test case", case)
    return page("public/help/case.html", found=found)


@blueprint.get("/causes/<cause>")
def cause(cause: str) -> Response:
    """Show the page of a root cause.

    Raises:
        NotFound: there is no such cause.
    """
    found = cause_help(cause, locale=best_locale(language()))
    if found is None:
        raise NotFound("root cause", cause)
    return page("public/help/cause.html", found=found)
