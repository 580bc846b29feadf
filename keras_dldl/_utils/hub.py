"""Models on the Hugging Face hub, named `hf://user/name` or `hf://user/name@revision`."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from keras_dldl._utils.arguments import message_of
from keras_dldl._utils.progress import is_terminal
from keras_dldl.errors import ConfigError, KerasDLDLError, ModelFileError

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
def hub_of(name: str, *, writing: bool = False) -> Iterator[Any]:
    """Give the package `huggingface_hub`, and say of its errors what can be done."""
    try:
        import huggingface_hub
        from huggingface_hub import utils
    except ImportError as error:
        raise ConfigError(
            f'Models on the hub need huggingface_hub: pip install "keras-dldl[hub]". '
            f"Received: {name}, {error}"
        ) from error
    try:
        with _plain_progress(utils), _said_once(utils.logging.get_logger()):
            yield huggingface_hub
    except Exception as error:  # those of the HTTP client, which differs by version, too
        raise _told(error, name, writing) from error


@contextmanager
def _plain_progress(utils: Any) -> Iterator[None]:
    """Show no bars where stderr is no terminal."""
    hide = not is_terminal() and not utils.are_progress_bars_disabled()
    if hide:
        utils.disable_progress_bars()
    try:
        yield
    finally:
        if hide:
            utils.enable_progress_bars()


@contextmanager
def _said_once(logger: logging.Logger) -> Iterator[None]:
    """Leave messages to the root's handlers, if there are any: the package has its own as well."""
    own = [h for h in logger.handlers if type(h) is logging.StreamHandler]
    own = own if logging.getLogger().handlers else []
    for handler in own:
        logger.removeHandler(handler)
    try:
        yield
    finally:
        for handler in own:
            logger.addHandler(handler)


def _told(error: BaseException, name: str, writing: bool) -> KerasDLDLError:
    """Return what to raise for an error of `huggingface_hub`, by it and what it comes from."""
    from huggingface_hub import errors

    chain = list(_with_causes(error))
    kinds = tuple(type(one) for one in chain)
    responses = (getattr(one, "response", None) for one in chain)
    status = next((r.status_code for r in responses if hasattr(r, "status_code")), 0)
    reason = message_of(error, 400)

    def among(kind: type) -> bool:
        return any(issubclass(one, kind) for one in kinds)

    if among(errors.RevisionNotFoundError):
        return ModelFileError(
            f"The repository must have the revision that is named. Received: {name}"
        )
    if among(errors.GatedRepoError):
        return ModelFileError(
            "Its owner must have given you access to the repository. Ask for it on its page, "
            f"{_page(name)}. {_LOGIN}. Received: {name}, status {status}"
        )
    if among(errors.RepositoryNotFoundError):
        return ModelFileError(
            f"There must be a repository of this name that you may read. {_LOGIN}, if it is "
            f"private. Received: {name}"
        )
    if among(errors.LocalTokenNotFoundError):
        return ConfigError(f"The hub must know who you are. {_LOGIN}. Received: no token")
    if status in (401, 403):
        kind = "write" if writing else "read it"
        return ConfigError(
            f"Your token must allow this. {_LOGIN}, with a token that may {kind}. "
            f"Received: {name}, status {status}"
        )
    if status == 429 or status >= 500:
        why = "it is asked too often" if status == 429 else "it fails"
        return ModelFileError(
            f"The hub must answer, but {why}. Try again later. Received: {name}, status {status}"
        )
    why = "" if writing else ", as the model is not in the cache"
    return ModelFileError(
        f"The hub must be reachable{why}. Try again with a connection. Received: {name}, {reason}"
    )


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _page(name: str) -> str:
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{split_name(name)[0]}"
