"""Authentication and authorisation: tokens, sessions and the limit on failed attempts, independent of HTTP."""
