"""The experiment that `jetstream-argo demo` analyses, and the true effects of the telemetry made for it."""
