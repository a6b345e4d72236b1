"""Rules of recurring times: pure functions of a rule and an instant."""
