"""Moves bytes between this process and a provider; the only room that does. Knows no wire and no provider."""
