"""Views in files behind the functions that read views: which session reads a view, pages of lists and of members."""
