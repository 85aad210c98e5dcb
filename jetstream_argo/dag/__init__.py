"""The nodes of a workflow, and which needs which."""
