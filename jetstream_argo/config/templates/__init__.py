"""What the templates in configuration files come to."""
