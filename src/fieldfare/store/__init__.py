"""Store: Rows on disk, and the cache."""
