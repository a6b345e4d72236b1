"""Which releases work on the schema that is there."""

from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, code_text


class SchemaCompatibility(Base):
    """One row: the revision of the schema, for releases that do not know this revision because they are older."""

    __tablename__ = "schema_compatibility"

    revision: Mapped[str] = mapped_column(code_text(32), primary_key=True)
    # oldest revision whose releases work on this schema
    compatible_from: Mapped[str] = mapped_column(code_text(32))
