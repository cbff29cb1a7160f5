"""The server's own log: the last lines in memory, for ``/3/Logs`` and for people."""

from __future__ import annotations

import logging
import threading
from collections import deque

__all__ = ["LogBook"]

_N_LINES = 20_000
#: H2O's line, which scripts search; all of H2O's lines come from its logger water.default.
_FORMAT = "%(asctime)s.%(msecs)03d %(process)d %(threadName)s %(level)5s water.default: %(message)s"
_LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL"}


class _Lines(logging.Formatter):
    """Lines with H2O's names of the levels."""

    def format(self, record: logging.LogRecord) -> str:
        record.level = _LEVELS.get(record.levelname, record.levelname)
        return super().format(record)


class LogBook(logging.Handler):
    """Keeps the last lines that dh2o logged."""

    def __init__(self, n_lines: int = _N_LINES) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(_Lines(_FORMAT, "%m-%d %H:%M:%S"))
        self._lines: deque[tuple[int, str]] = deque(maxlen=n_lines)
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line of `record`."""
        line = self.format(record)
        with self._guard:
            self._lines.append((record.levelno, line))

    def text(self, level: int = logging.NOTSET) -> str:
        """Return the lines of `level` or above, oldest first."""
        with self._guard:
            lines = [line for levelno, line in self._lines if levelno >= level]
        return "\n".join(lines) + ("\n" if lines else "")

    def attach(self) -> None:
        """Begin to listen to what dh2o logs."""
        logger = logging.getLogger("dh2o")
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
        logger.addHandler(self)

    def detach(self) -> None:
        """Stop listening."""
        logging.getLogger("dh2o").removeHandler(self)
