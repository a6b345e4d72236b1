"""Who may do what: tokens, sessions, and the limit of failed attempts; nothing here knows HTTP."""
