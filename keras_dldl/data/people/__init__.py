"""Images of people by who they are: what networks learn identities from."""

from keras_dldl.data.people.people import People

__all__ = ["People"]
