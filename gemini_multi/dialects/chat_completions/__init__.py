"""The chat completions dialect, as AIMLAPI, Oxen.ai, Cloudflare and Google implement it for Gemini.

Nothing in this package depends on a particular provider.
"""
