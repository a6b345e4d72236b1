"""The releases that work on the current schema."""

from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, code_text


class SchemaCompatibility(Base):
    """A single row with the revision of the schema, for older releases that do not know this revision."""

    __tablename__ = "schema_compatibility"

    revision: Mapped[str] = mapped_column(code_text(32), primary_key=True)
    # The oldest revision whose releases work on this schema.
    compatible_from: Mapped[str] = mapped_column(code_text(32))
