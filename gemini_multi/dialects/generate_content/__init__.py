"""Gemini's own wire: generateContent, streamGenerateContent and countTokens. Knows no provider."""
