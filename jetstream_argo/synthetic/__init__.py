"""Made-up telemetry with known effects."""
