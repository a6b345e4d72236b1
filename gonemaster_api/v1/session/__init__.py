"""Who sends the request, login and logout."""
