"""The list of test cases, and the glossary."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response

from gonemaster_api.queries.runs.findings import display_case
from gonemaster_api.state import state
from gonemaster_api.ui.public.glossary import glossary
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_api.ui.shell.texts.sentences import tag_sentence
from gonemaster_api.ui.shell.texts.words import module_name
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.messages import best_locale, description
from gonemaster_engine.findings.references import Reference, reference
from gonemaster_engine.testcases.catalogue import modules, select
from gonemaster_engine.testcases.registry import Case

blueprint = Blueprint("ui_public_about", __name__, url_prefix="/about")


@dataclass(frozen=True, slots=True)
class ListedCase:
    """A test case with the warnings and errors that it can report, worst first."""

    case: Case
    purpose: str
    is_left_out: bool

    @property
    def name(self) -> str:
        """The test case, spelled as in the specifications."""
        return display_case(self.case.id)

    @property
    def reference(self) -> Reference | None:
        """The document that defines the subject."""
        return reference("", self.case.id)

    @property
    def findings(self) -> Sequence[tuple[str, str]]:
        """Level, with which the default profile reports it, and sentence of each warning or error."""
        found = sorted((tag for tag in self.case.tags if tag.level >= Level.WARNING), key=lambda tag: -tag.level)
        return [(tag.level.name, tag_sentence(tag.name, self.case.module)) for tag in found]


@blueprint.get("")
def show() -> Response:
    """List modules with their test cases, and the glossary."""
    locale, exclude = best_locale(language()), state().settings.exclude
    left_out = {case.id for case in select(exclude)} if exclude else set()
    listed = [
        (
            module_name(module.name),
            [
                ListedCase(case, description(case.purpose, locale=locale), case.id in left_out)
                for case in sorted(module.cases, key=lambda case: case.id)
            ],
        )
        for module in modules().values()
    ]
    count = sum(len(cases) for _title, cases in listed) - len(left_out)
    return page("public/about/page.html", modules=listed, glossary=glossary(), count=count)
