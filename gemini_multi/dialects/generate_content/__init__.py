"""Gemini's own dialect: generateContent, streamGenerateContent and countTokens.

Nothing in this package depends on a particular provider.
"""
