"""Requests that are refused: a status, a reason as text, and one for the counters."""

from keras_dldl.errors import KerasDLDLError

RETRY_AFTER_SECONDS = 1


class Refusal(KerasDLDLError):
    """A request that gets an error for an answer.

    Args:
        status: the HTTP status.
        message: what the client gets, as `{"error": message}`.
        reason: a word for the counters.
        close: whether the connection is of no more use, because part of the request is unread.
    """

    def __init__(self, status: int, message: str, reason: str = "bad_request", close: bool = False):
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason
        self.headers = {"Connection": "close"} if close else {}
        if status == 503:
            self.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)


def bad_request(message: str) -> Refusal:
    """Return the refusal of what is not understood: status 400."""
    return Refusal(400, message)


def not_found(message: str) -> Refusal:
    """Return the refusal of what is not there: status 404."""
    return Refusal(404, message, "not_found")


def busy(what: str) -> Refusal:
    """Return the refusal of work for which there is no room now: status 503."""
    return Refusal(503, f"{what} is full. Try again after a moment.", "queue_full")


class ClientGone(KerasDLDLError):
    """The client went away before its answer was ready."""
