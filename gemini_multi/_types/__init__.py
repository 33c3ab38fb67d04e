"""Values that every package uses: messages and their parts, requests, responses and events. Imports nothing of ours."""
