"""Which provider is asked next, and what a request may cost. Pure: the time is passed in."""
