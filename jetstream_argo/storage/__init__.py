"""The one door to each kind of storage outside of a warehouse: files, the web, buckets."""
