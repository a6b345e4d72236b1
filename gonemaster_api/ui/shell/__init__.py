"""The common parts of all pages: languages, formats, themes, frame, forms, notes, confirmations and error pages."""
