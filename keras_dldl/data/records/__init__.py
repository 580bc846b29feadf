"""Faces in their files: written, read, checked."""
