"""What every other room of the store uses: sessions, column types, errors, time, identifiers, limits."""
