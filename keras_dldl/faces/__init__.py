"""Finding faces and bringing them onto one template, for training and for prediction."""

from keras_dldl.faces.aligner import FaceAligner, FoundFace
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.face import Face, largest
from keras_dldl.faces.images import Photo, read_image

__all__ = ["Alignment", "Face", "FaceAligner", "FoundFace", "Photo", "largest", "read_image"]
