"""The log of a server: a line of JSON for each event."""

import json
import logging
from datetime import datetime, timezone
from typing import Any

LOGGER = logging.getLogger("keras_dldl.serving")
# Of paths that strangers send, so much is repeated.
LONGEST_TEXT = 200


class JsonFormatter(logging.Formatter):
    """Writes a record and its `fields` as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        time = datetime.fromtimestamp(record.created, timezone.utc)
        entry = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def log(event: str, level: int = logging.INFO, exc_info: Any = None, **fields: Any) -> None:
    """Log an event with its fields."""
    short = {
        key: value[:LONGEST_TEXT] if isinstance(value, str) else value
        for key, value in fields.items()
    }
    LOGGER.log(level, event, exc_info=exc_info, extra={"fields": short})


def write_json_logs() -> None:
    """Have this package and uvicorn log JSON lines to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    package = logging.getLogger("keras_dldl")
    package.handlers = [handler]
    package.propagate = False
    if package.level == logging.NOTSET:
        package.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = [handler] if name == "uvicorn" else []
        logger.propagate = name != "uvicorn"
        logger.setLevel(logging.WARNING)
