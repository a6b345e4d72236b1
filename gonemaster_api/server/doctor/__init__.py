"""`gonemaster-server doctor`: checks everything that the service needs and suggests a fix for each fault."""
