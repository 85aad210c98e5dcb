"""From stored values to estimates."""
