"""Looking inside a model: where in a face the evidence for its answer lies."""

from keras_dldl.explain.attention import AttentionMaps, attention_map, resize_map, score_maps
from keras_dldl.explain.faces import ExplainedFace, PhotoExplainer
from keras_dldl.explain.groups import GroupAverages, attention_by_group, label_groups
from keras_dldl.explain.occlusion import Occlusion, occlusion_sensitivity

__all__ = [
    "AttentionMaps",
    "ExplainedFace",
    "GroupAverages",
    "Occlusion",
    "PhotoExplainer",
    "attention_by_group",
    "attention_map",
    "label_groups",
    "occlusion_sensitivity",
    "resize_map",
    "score_maps",
]
