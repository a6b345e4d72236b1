"""Texts of pages: languages, formats, words, notes, refusals."""
