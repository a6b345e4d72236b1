"""Stored entries as documents, in a language."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gonemaster_db.core.records import EntryRecord
from gonemaster_engine.findings.messages import advice, description, message
from gonemaster_engine.findings.references import Reference, reference
from gonemaster_engine.testcases.catalogue import cases


@dataclass(frozen=True, slots=True)
class EntryDocument:
    """One entry as a document. Texts are created on access, because a page shows only some of the entries."""

    timestamp: float  # seconds since the start of the run
    module: str
    testcase: str
    tag: str
    level: str
    args: Mapping[str, Any]
    locale: str

    @property
    def text(self) -> str:
        """Message text of the entry."""
        return message(self.tag, self.module, self.args, locale=self.locale)

    @property
    def advice(self) -> str:
        """Advice for fixing the finding; empty if nothing needs fixing."""
        return advice(self.tag, self.module, locale=self.locale)

    @property
    def reference(self) -> Reference | None:
        """The document that defines the subject of the finding; None for entries about the run itself."""
        return reference(self.tag, self.testcase)

    @property
    def purpose(self) -> str:
        """Purpose of the test case; empty if the entry belongs to no test case."""
        case = cases().get(self.testcase)
        return description(case.purpose, locale=self.locale) if case else ""

    @property
    def raw(self) -> str:
        """Tag and arguments on one line: `TAG key=value; key=value`, sorted by key."""
        args = sorted(self.args.items())
        pairs = (f"{key}={value if isinstance(value, str) else _compact(value)}" for key, value in args)
        return f"{self.tag} {'; '.join(pairs)}".rstrip()

    def as_dict(self) -> dict[str, Any]:
        """Return the document of the entry for the analysis."""
        return {
            "module": self.module,
            "testcase": self.testcase,
            "tag": self.tag,
            "level": self.level,
            "args": self.args,
            "message": self.text,
            "reference": self.reference and self.reference.url,
        }

    def as_result(self) -> dict[str, Any]:
        """Return the entry in the form that results contain."""
        return {"timestamp": round(self.timestamp, 6), **self.as_dict(), "raw": self.raw}


def entry_documents(entries: Iterable[EntryRecord], *, locale: str) -> list[EntryDocument]:
    """Return the documents of stored entries, in their order."""
    return [
        EntryDocument(entry.timestamp, entry.module, entry.testcase, entry.tag, entry.level, entry.args, locale)
        for entry in entries
    ]


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
