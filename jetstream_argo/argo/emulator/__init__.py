"""A stand-in for Argo on one machine: it runs the emitted manifest, and refuses what it does not implement."""
