"""The location of the files of the analysis: a folder, or an object store that pyarrow knows.

Names of files are paths below the location, such as `facts/cohort=1/snapshot=2/facts-5f0c.parquet`. pyarrow is imported
with the first use, because it is an extra.
"""

import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gonemaster_db.analysis.columns.schema import check_columns
from gonemaster_db.core.errors import FilesUnavailable

PARTIAL = ".partial"
_ALLOWED = "use an absolute path, or a URI such as s3://bucket/folder"


class LocationUnusable(FilesUnavailable):
    """The location cannot be read or written; the message names it, the reason and a remedy."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file below the location."""

    name: str
    size: int
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Location:
    """A folder or object store.

    `filesystem` is a `pyarrow.fs.FileSystem`, and `root` the path in it. `shown` is the setting without credentials.
    """

    shown: str
    filesystem: Any
    root: str

    @property
    def is_local(self) -> bool:
        """Whether the files are in a folder of this machine, so that other programs can open their paths."""
        return bool(self.filesystem.type_name == "local")

    def path(self, name: str) -> str:
        """Return the path of a file in the file system. Raises ValueError for a name outside of the location."""
        if name.startswith("/") or ".." in name.split("/"):
            raise ValueError(f"not a name below the location: {name!r}")
        return f"{self.root.rstrip('/')}/{name}"

    def paths(self, names: Iterable[str]) -> list[str]:
        """Return the paths of files."""
        return [self.path(name) for name in names]

    @contextmanager
    def open_output(self, name: str) -> Iterator[Any]:
        """Open a new file for writing. It exists only if the block ends without an exception.

        Raises: LocationUnusable.
        """
        with self._translated(name), self._local(name) if self.is_local else self._remote(name) as file:
            yield file

    @contextmanager
    def open_input(self, name: str) -> Iterator[Any]:
        """Open a file for random reading. Raises LocationUnusable."""
        with self._translated(name), self.filesystem.open_input_file(self.path(name)) as file:
            yield file

    def size(self, name: str) -> int:
        """Return the number of bytes of a file. Raises LocationUnusable."""
        with self._translated(name):
            return int(self.filesystem.get_file_info(self.path(name)).size or 0)

    def delete(self, names: Iterable[str]) -> None:
        """Delete files; a file that does not exist is skipped. Raises LocationUnusable."""
        for name in names:
            with self._translated(name), suppress(FileNotFoundError):
                self.filesystem.delete_file(self.path(name))

    def walk(self, folder: str = "") -> Iterator[StoredFile]:
        """Yield all files below a folder of the location, including incomplete ones. Raises LocationUnusable."""
        from pyarrow.fs import FileSelector, FileType

        top = self.path(folder).rstrip("/")
        with self._translated(folder):
            found = self.filesystem.get_file_info(FileSelector(top, recursive=True, allow_not_found=True))
        for info in found:
            if info.type == FileType.File:
                name = info.path.removeprefix(self.root.rstrip("/")).lstrip("/")
                yield StoredFile(name, int(info.size or 0), info.mtime)

    def check(self) -> None:
        """Check that files can be written, read and deleted. Raises LocationUnusable."""
        name, content = f".check-{secrets.token_hex(8)}", b"gonemaster"
        with self.open_output(name) as file:
            file.write(content)
        with self.open_input(name) as file:
            found = file.read()
        self.delete([name])
        if found != content:
            raise LocationUnusable(f"{self.shown} returns other data than was written; do not use it")

    @contextmanager
    def _local(self, name: str) -> Iterator[Any]:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
        try:
            with partial.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.rename(path)
            _sync_folder(path.parent)
        finally:
            with suppress(FileNotFoundError):
                partial.unlink()

    @contextmanager
    def _remote(self, name: str) -> Iterator[Any]:
        path = self.path(name)
        file = self.filesystem.open_output_stream(path)
        try:
            yield file
            file.close()
        except BaseException:
            # Closing completes the upload, so the object has to be deleted.
            with suppress(Exception):
                file.close()
            with suppress(Exception):
                self.filesystem.delete_file(path)
            raise

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LocationUnusable(f"{self.shown}: {name}: {_reason(error)}; {_remedy(error)}") from error


def location(place: str) -> Location:
    """Return the location that the setting `analytics.location` names: an absolute path, or a URI such as `s3://...`.

    Nothing is written or connected yet.

    Raises:
        ColumnsMissing: pyarrow is not installed.
        LocationUnusable: the URI is invalid, or pyarrow was built without support for its scheme.
    """
    check_columns()
    from pyarrow import ArrowException
    from pyarrow.fs import FileSystem

    shown = without_credentials(place)
    try:
        filesystem, root = FileSystem.from_uri(place)
    except (ArrowException, OSError, ValueError) as error:
        raise LocationUnusable(f"analytics.location: {shown} is not usable; {_ALLOWED}") from error
    return Location(shown, filesystem, root)


def without_credentials(place: str) -> str:
    """Return a path or URI without user, password and parameters."""
    parts = urlsplit(place)
    if not parts.scheme:
        return place
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error).partition("\n")[0][:300]


_REMEDIES = {
    errno.ENOSPC: "free space, or move the files and change analytics.location",
    errno.EDQUOT: "raise the quota, or move the files and change analytics.location",
    errno.EACCES: "let the user of the service read and write there",
    errno.EPERM: "let the user of the service read and write there",
    errno.EROFS: "mount it writable, or change analytics.location",
    errno.ENOENT: "restore the file, or rebuild its snapshot",
    errno.ENOTDIR: "a part of the path is a file; change analytics.location",
    errno.EEXIST: "a part of the path is a file; change analytics.location",
}


def _remedy(error: OSError) -> str:
    if error.errno in _REMEDIES:
        return _REMEDIES[error.errno]
    return "check that the place can be reached, and the credentials and permissions of the service"
