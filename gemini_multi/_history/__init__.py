"""What Gemini demands of a conversation: the order of turns, and thought signatures. Knows no wire and no provider."""
