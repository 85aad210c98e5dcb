"""The Python interface: what `import jetstream_argo as ja` offers to notebooks and scripts."""
