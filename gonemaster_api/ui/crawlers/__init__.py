"""Instructions for search engines: allowed pages and site map."""
