"""Gemini's rules for a conversation: the order of turns, and thought signatures. Knows no dialect or provider."""
