"""`njit` as dh2o uses it: numba's, with a cache on disk of which one process at a time compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.core import event
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

from dh2o.compiled import helpers
from dh2o.compiled.claims import claims_of

__all__ = ["SharedCache", "njit"]


def njit(*, cache: bool = False, **options: Any) -> Callable[[Any], Any]:
    """Return numba's decorator for `options`; `cache`: the code is kept, and compiled once.

    Only Python and other loops call these functions, no C code: the third entry that numba would
    compile for C is left out.
    """
    decorate = numba.njit(no_cfunc_wrapper=True, **options)

    def compiled(function: Callable[..., Any]) -> Any:
        loop = decorate(function)
        if cache and isinstance(loop, Dispatcher):  # not where NUMBA_DISABLE_JIT is set
            loop._cache = SharedCache(function)  # type: ignore[attr-defined]  # as its cache=True
        return loop

    return compiled


class SharedCache(FunctionCache):
    """The code of one function for each signature, kept on disk.

    A process that misses code claims the function until the code is saved, so that others wait for
    it rather than compile it as well. Claims cannot wait in a circle, as no two loops call each
    other.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self.name = f"{function.__module__}.{function.__qualname__}"

    def claim(self, *, wait: bool = True) -> bool:
        """Return whether this process is now the one that compiles the function."""
        return claims_of(self.cache_path).take(self.name, wait=wait)

    def give_up(self) -> None:
        """Let other processes compile the function."""
        claims_of(self.cache_path).give_up(self.name)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code for `sig`, or None: this process is then to compile it."""
        found = super().load_overload(sig, target_context)
        if found is None:
            helpers.compiling_begins(self.cache_path)
            self.claim()
            found = super().load_overload(sig, target_context)  # others had it compiled meanwhile
            if found is not None:
                self.give_up()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code for `sig`."""
        try:
            super().save_overload(sig, data)
        finally:
            self.give_up()


class _Failures(event.Listener):
    """Gives up the claim on a function that cannot be compiled for the types it was given."""

    def on_start(self, event: Any) -> None:
        """Nothing to do yet."""

    def on_end(self, event: Any) -> None:
        """Give up the claim if compiling failed, as nothing will be saved."""
        loop, types = event.data["dispatcher"], tuple(event.data["args"])
        cache = getattr(loop, "_cache", None)
        if isinstance(cache, SharedCache) and types not in loop.overloads:
            cache.give_up()


event.register("numba:compile", _Failures())
