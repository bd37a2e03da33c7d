"""What comes next, made in a thread of its own while the last is at work."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
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
    """Items in their order, some of which a thread makes ahead."""

    def __init__(self, given: Iterator[T], working: threading.Event) -> None:
        self._given, self._working = given, working

    def __next__(self) -> T:
        return next(self._given)

    def is_at_work(self) -> bool:
        """Return whether the thread is making one at this moment."""
        return self._working.is_set()


@contextlib.contextmanager
def read_ahead(items: Iterator[T], at_once: int = 2) -> Iterator[Ahead[T]]:
    """Give the items of an iterator in their order, which a thread goes through ahead.

    At most `at_once` of them are there at a time: the one that is at work, until the next is asked
    for, and those made ahead. So an iterator may use the memory of each again, `at_once` later.
    An error of the iterator is raised where its item would have come. The thread has ended when
    the block ends, whatever ended it; `items` are used in that thread alone.
    """
    made: queue.Queue[T | _Failed | _End] = queue.Queue()
    allowed, ended, working = threading.Semaphore(at_once), threading.Event(), threading.Event()

    def make() -> None:
        try:
            while True:
                allowed.acquire()
                if ended.is_set():
                    break
                working.set()
                item = next(items, _End())
                made.put(item)
                working.clear()
                if isinstance(item, _End):
                    break
        except BaseException as error:
            made.put(_Failed(error))
        finally:
            working.clear()
            if hasattr(items, "close"):
                items.close()

    def give() -> Iterator[T]:
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
            allowed.release()

    thread = threading.Thread(target=make, name="chainrule-reading", daemon=True)
    thread.start()
    try:
        yield Ahead(give(), working)
    finally:
        ended.set()
        allowed.release()
        thread.join()
