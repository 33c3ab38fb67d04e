"""Bytes to Python values and back: server-sent events, JSON, long texts, surrogates. Knows no dialect or provider."""
