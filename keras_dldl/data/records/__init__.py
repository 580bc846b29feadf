"""Record files: writing, reading, copying, checking."""
