"""The code that both bindings share and that depends on no framework: arguments, tools, media, outlines, metadata.

This package imports and names nothing of a framework; the core imports nothing from this package. Both bindings must
apply the same rules: a rule for both belongs here.
"""
