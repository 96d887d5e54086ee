"""What a fork would leave behind in the child: locks that no thread there will ever release.

A child begins with one thread. What the others were in the middle of stays as it was. So a lock
under which several steps hang together, and which lasts, is held across the fork. A lock of what
comes and goes, and whose every step leaves it usable, is renewed in the child.
"""

import os
from collections.abc import Callable
from typing import Protocol, TypeVar


class _RLock(Protocol):
    def acquire(self, blocking: bool = True) -> bool: ...
    def release(self) -> None: ...


L = TypeVar("L", bound=_RLock)

_lasting: list[_RLock] = []
_held: list[_RLock] = []
_callbacks: list[Callable[[], object]] = []


def held_across_forks(lock: L) -> L:
    """Have a fork wait until nobody else holds a lock, so that no child finds its work half done.

    Arguments:
        lock: an ``RLock`` that is to live as long as the process, and is returned.
    """
    _lasting.append(lock)
    return lock


def in_child(callback: Callable[[], object]) -> None:
    """Call back in the child after each fork, in the order in which this was asked for."""
    _callbacks.append(callback)


def _hold() -> None:
    """Acquire every lock, but wait for one only while holding none.

    Threads take these locks in no order that could be kept to: a finaliser runs wherever the
    garbage collector strikes, and takes what it needs. Whoever waits with one in hand may be
    waited for.
    """
    global _held
    locks = list(_lasting)
    while True:
        held: list[_RLock] = []
        for lock in locks:
            if not lock.acquire(blocking=not held):
                break
            held.append(lock)
        else:
            _held = held
            return
        for other in held:
            other.release()
        locks.remove(lock)
        locks.insert(0, lock)


def _let_go() -> None:
    global _held
    held, _held = _held, []
    for lock in held:
        lock.release()


def _begin_child() -> None:
    _let_go()
    for callback in _callbacks:
        callback()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_begin_child)
