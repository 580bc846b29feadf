"""Looking inside a model: where in a face the evidence for its answer lies."""
