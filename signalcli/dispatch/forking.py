"""Locks that survive a fork.

A child process begins with one thread. A lock that another thread held at the fork is never
released there, and the work under the lock stays half done. There are two remedies. The fork itself
holds each lock that lives as long as the process and guards work that must be whole. The child
makes a new lock for each object that is usable after every single step.
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
    """Have each fork wait until nobody else holds a lock, so that no child finds work half done.

    Arguments:
        lock: an ``RLock`` that lives as long as the process.

    Returns:
        The lock.
    """
    _lasting.append(lock)
    return lock


def in_child(callback: Callable[[], object]) -> None:
    """Call back in the child after each fork, in the order in which callbacks were added."""
    _callbacks.append(callback)


def _hold() -> None:
    """Acquire every lock, but wait for a lock only while holding none.

    Threads take these locks in no fixed order: a finaliser runs wherever the garbage collector
    strikes, and takes the locks that it needs. If a fork held one lock and waited for another, it
    could wait for a thread that waits for the fork.
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
