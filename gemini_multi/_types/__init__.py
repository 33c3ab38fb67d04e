"""Values that every room speaks: messages and their parts, requests, responses and events. Imports nothing of ours."""
