"""Values that every package uses: messages and parts, requests, responses, events. Imports no other package of ours."""
