"""Who still needs which spool file, as the scheduler keeps it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any


class SpoolHolds:
    """file → holders (clients, DKV entries, tasks). A file without a holder is deleted."""

    def __init__(self, delete: Callable[[list[str]], None]) -> None:
        self._delete = delete
        self._holders: dict[str, set[Any]] = defaultdict(set)
        self._files_of: dict[Any, set[str]] = defaultdict(set)

    def hold(self, files: Collection[str], holder: Any) -> None:
        """Note that `holder` needs `files`."""
        for file in files:
            self._holders[file].add(holder)
            self._files_of[holder].add(file)

    def bind(self, files: Collection[str], tasks: Collection[Any]) -> None:
        """Note that `tasks` may have to read `files` again."""
        for task in tasks:
            self.hold(files, ("task", task))

    def release(self, files: Collection[str], holder: Any) -> None:
        """Note that `holder` no longer needs `files`; delete those that nobody needs."""
        unused = []
        for file in files:
            holders = self._holders.get(file)
            if holders is None:
                continue
            holders.discard(holder)
            if not holders:
                del self._holders[file]
                unused.append(file)
        left = self._files_of.get(holder)
        if left is not None:
            left.difference_update(files)
            if not left:
                del self._files_of[holder]
        if unused:
            self._delete(unused)

    def task_forgotten(self, task: Any) -> None:
        """Release what a task held that Dask will not run again."""
        holder = ("task", task)
        if holder in self._files_of:
            self.release(list(self._files_of[holder]), holder)

    def client_left(self, client: str) -> None:
        """Release what a client held."""
        if client in self._files_of:
            self.release(list(self._files_of[client]), client)
