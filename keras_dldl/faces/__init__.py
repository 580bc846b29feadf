"""Finding faces and bringing them onto one template, for training and prediction alike."""

from keras_dldl.faces.aligner import FaceAligner, largest
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.detector import Face, FaceDetector
from keras_dldl.faces.images import read_image

__all__ = ["Alignment", "Face", "FaceAligner", "FaceDetector", "largest", "read_image"]
