"""What all pages share: languages, formats, themes, the frame, forms, notes, confirmations and error pages."""
