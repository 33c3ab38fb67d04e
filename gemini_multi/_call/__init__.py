"""The life of one request: attempts, retries, failover, hedging, streams, telemetry. Knows no wire and no provider."""
