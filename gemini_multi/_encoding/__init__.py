"""Bytes to Python values and back: server-sent events, JSON, long texts, surrogates. Knows no wire and no provider."""
