"""Data sets: manifests, sources, splits, records and the `tf.data` pipeline."""
