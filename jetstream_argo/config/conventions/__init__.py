"""What platforms and their tables look like: packaged data, which users can override and extend."""
