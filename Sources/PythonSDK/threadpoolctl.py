"""Stands in for the package of this name: behind the walls each library has one thread, so there is nothing to limit.

The real one finds the loaded libraries by a callback from C into Python. Such a callback is code made at run time, which
no strategy may do, so KMeans, nearest neighbours and others of scikit-learn would end with MemoryError.
"""

from __future__ import annotations

import contextlib
from typing import Any, Dict, List, Optional

__version__ = "3.6.0"
__all__ = ["threadpool_limits", "threadpool_info", "ThreadpoolController", "register"]


def threadpool_info() -> List[Dict[str, Any]]:
    """Nothing: no library has a pool of threads that could be limited."""
    return []


class threadpool_limits(contextlib.ContextDecorator):
    """Limits nothing, as a context, a decorator or a call."""

    def __init__(self, limits: Any = None, user_api: Optional[str] = None) -> None:
        pass

    def __enter__(self) -> "threadpool_limits":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @classmethod
    def wrap(cls, limits: Any = None, user_api: Optional[str] = None) -> "threadpool_limits":
        return cls(limits, user_api)

    def restore_original_limits(self) -> None:
        pass

    unregister = restore_original_limits

    def get_original_num_threads(self) -> Dict[str, int]:
        return {}


class ThreadpoolController:
    """Controls nothing."""

    def __init__(self) -> None:
        self.lib_controllers: List[Any] = []

    def __len__(self) -> int:
        return 0

    def info(self) -> List[Dict[str, Any]]:
        return []

    def select(self, **_: Any) -> "ThreadpoolController":
        return self

    def limit(self, *, limits: Any = None, user_api: Optional[str] = None) -> threadpool_limits:
        return threadpool_limits(limits, user_api)

    wrap = limit


def register(controller: Any) -> None:
    """Takes note of a kind of library, of which there is none."""
