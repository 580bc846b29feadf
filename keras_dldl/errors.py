"""Errors a user can act on: what was wrong, what is allowed, what was received."""


class KerasDLDLError(Exception):
    """Base of every error this package raises on purpose."""


class UnreadableImage(KerasDLDLError, ValueError):
    """The input is not an image that can be decoded, or it is over the size limit."""


class NoFaceFound(KerasDLDLError, ValueError):
    """No face was found in an image."""


class DetectorError(KerasDLDLError, ValueError):
    """A detector of the user's own failed, or returned what is no face."""


class DataError(KerasDLDLError, ValueError):
    """A manifest, a label, or a prepared data folder is not as it must be."""


class ModelFileError(KerasDLDLError, ValueError):
    """A file is not a model of this package."""


class ConfigError(KerasDLDLError, ValueError):
    """A setting is unknown, of the wrong kind, or out of range."""


class TrainingError(KerasDLDLError, RuntimeError):
    """Training cannot continue, for example because the loss is not a number."""


class ServerError(KerasDLDLError, RuntimeError):
    """A model server cannot be reached, did not answer in time, or refused a request."""
