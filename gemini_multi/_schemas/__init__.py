"""All work with JSON Schema: check values, repair answers, translate schemas for the dialects.

Nothing in this package depends on a dialect or a provider.
"""
