"""Models on the Hugging Face hub, named `hf://user/name` or `hf://user/name@revision`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from keras_dldl._utils.arguments import message_of
from keras_dldl.errors import ConfigError, ModelFileError

PREFIX = "hf://"
_NAME = re.compile(r"hf://([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")
_LOGIN = "Log in by `hf auth login`, or set HF_TOKEN"


def split_name(name: str) -> tuple[str, str | None]:
    """Return the repository, "user/name", and the revision, or None, of a name.

    Raises:
        ConfigError: it is no such name.

    >>> split_name("hf://user/name@v1")
    ('user/name', 'v1')
    """
    found = _NAME.fullmatch(name)
    if not found:
        raise ConfigError(
            "A model on the hub is named hf://user/name, or hf://user/name@revision. "
            f"Received: {name!r}"
        )
    return found[1], found[2]


@cache  # so that a process asks the hub once
def fetched(name: str, files: tuple[str, ...]) -> Path:
    """Return the folder with those of `files` that a repository has, from the hub or its cache.

    Args:
        name: `hf://user/name`.
        files: names or patterns.

    Raises:
        ConfigError: `huggingface_hub` is not installed, or it is no such name.
        ModelFileError: there is no such repository, or it cannot be reached and is not in the
            cache.
    """
    repository, revision = split_name(name)
    with hub_of(name) as hub:
        folder = hub.snapshot_download(repository, revision=revision, allow_patterns=list(files))
    return Path(folder)


@contextmanager
def hub_of(name: str) -> Iterator[Any]:
    """Give the package `huggingface_hub`, and say of its errors what can be done."""
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError as error:
        raise ConfigError(
            f'Models on the hub need huggingface_hub: pip install "keras-dldl[hub]". '
            f"Received: {name}, {error}"
        ) from error
    try:
        yield huggingface_hub
    except errors.RevisionNotFoundError as error:
        raise ModelFileError(
            f"The repository must have the revision that is named. Received: {name}"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelFileError(
            f"There must be a repository of this name that you may read. {_LOGIN}, if it is "
            f"private. Received: {name}"
        ) from error
    except errors.LocalTokenNotFoundError as error:
        raise ConfigError(f"The hub must know who you are. {_LOGIN}. Received: no token") from error
    except Exception as error:  # those of the HTTP client, which differs by version, too
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403):
            raise ConfigError(
                f"Your token must allow this. {_LOGIN}, with a token that may write. "
                f"Received: {name}, status {status}"
            ) from error
        reason = message_of(error, 200)
        raise ModelFileError(
            "The hub must be reachable, as the model is not in the cache. Try again with a "
            f"connection. Received: {name}, {reason}"
        ) from error
