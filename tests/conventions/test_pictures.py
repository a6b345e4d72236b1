"""The pictures of the guide: each page in all shapes, nothing else, and small enough for a repository."""

from __future__ import annotations

from docs.screenshots import GALLERY, PICTURES, SCHEMES, SCREENS, WIDTHS, file_name, gallery

MAX_OCTETS = 16_000_000


def test_each_page_of_the_guide_has_all_pictures() -> None:
    expected = {file_name(name, width, scheme) for name in SCREENS for width in WIDTHS for scheme in SCHEMES}
    found = {path.name: path.stat().st_size for path in PICTURES.iterdir()}
    assert set(found) == expected
    assert sum(found.values()) < MAX_OCTETS
    assert GALLERY.read_text(encoding="utf-8") == gallery()
