"""Which provider gets a request next, and what the request may cost. Pure: the time is an argument."""
