"""The Workflow as a manifest."""
