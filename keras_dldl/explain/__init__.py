"""Looking inside a model: where in a face the evidence for its answer lies."""

from keras_dldl.explain.attention import AttentionMaps, attention_map, resize_map, score_maps

__all__ = ["AttentionMaps", "attention_map", "resize_map", "score_maps"]
