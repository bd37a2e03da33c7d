"""What comes next, made in a thread of its own while the last is at work."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

# How long to wait at a time, so that Ctrl-C is heard on every system, in seconds.
_WAIT = 0.2


@dataclass(frozen=True)
class _Failed:
    error: BaseException


class _End:
    pass


class Ahead(Iterator[T]):
    """Items in their order, some of which a thread makes ahead.

    Attributes
    ----------
    is_at_work : callable () -> bool
        Tells whether the thread makes one at this moment, or is about to.
    """

    def __init__(self, given: Iterator[T], is_at_work: Callable[[], bool]) -> None:
        self._given, self.is_at_work = given, is_at_work

    def __next__(self) -> T:
        return next(self._given)


@contextlib.contextmanager
def read_ahead(items: Iterator[T], at_once: int = 2) -> Iterator[Ahead[T]]:
    """Give the items of an iterator in their order, which a thread goes through ahead.

    At most `at_once` of them are there at a time: the one that is at work, until the next is asked
    for, and those made ahead. So an iterator may use the memory of each again, `at_once` later.
    An error of the iterator is raised where its item would have come. The thread has ended when
    the block ends, whatever ended it; `items` are used in that thread alone.
    """
    made: queue.Queue[T | _Failed | _End] = queue.Queue()
    allowed, ended = threading.Semaphore(at_once), threading.Event()
    n_allowed, n_made = at_once, 0  # each of them changed by one of the two threads alone

    def make() -> None:
        nonlocal n_made
        try:
            while True:
                allowed.acquire()
                if ended.is_set():
                    break
                item = next(items, _End())
                n_made += 1
                made.put(item)
                if isinstance(item, _End):
                    break
        except BaseException as error:
            made.put(_Failed(error))
        finally:
            if hasattr(items, "close"):
                items.close()

    def give() -> Iterator[T]:
        nonlocal n_allowed
        while True:
            try:
                item = made.get(timeout=_WAIT)
            except queue.Empty:
                continue
            if isinstance(item, _End):
                return
            if isinstance(item, _Failed):
                raise item.error
            yield item
            del item
            n_allowed += 1
            allowed.release()

    thread = threading.Thread(target=make, name="chainrule-reading", daemon=True)
    thread.start()
    try:
        yield Ahead(give(), lambda: n_made < n_allowed and thread.is_alive())
    finally:
        ended.set()
        allowed.release()
        thread.join()
