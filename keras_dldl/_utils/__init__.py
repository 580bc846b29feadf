"""Helpers that know nothing of faces: arguments, files, progress, threads, start-up."""
