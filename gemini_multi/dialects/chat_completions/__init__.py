"""The chat completions wire, as AIMLAPI, Oxen.ai, Cloudflare and Google speak it in front of Gemini.

Knows no provider.
"""
