"""Which rows are trained on and which tested on, the same on every machine."""
