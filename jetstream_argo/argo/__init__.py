"""The workflow as Argo runs it: emitted, submitted, scheduled, watched, retried, and run on this machine."""
