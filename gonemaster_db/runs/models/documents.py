"""Documents of runs: arguments and times of the entries, name server timings, DNSSEC chain."""

from sqlalchemy import ForeignKey, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import ROW_ID_TYPE, Base


class RunDocument(Base):
    """The document of a run (gonemaster_db.runs.documents); a run without such data has no row."""

    __tablename__ = "run_documents"

    run_key: Mapped[int] = mapped_column(
        ROW_ID_TYPE, ForeignKey("runs.key", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    codec: Mapped[int] = mapped_column(SmallInteger, comment="format and dictionary of the document")
    document: Mapped[bytes] = mapped_column(LargeBinary)
