"""The life of one request: attempts, retries, failover, hedging, streams, telemetry. Knows no dialect or provider."""
