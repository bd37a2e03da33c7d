"""The pace of a desk: how much is learned at a time, and when the page is sent what it draws."""

from __future__ import annotations

import threading

# Frames a second that are sent at most, and how many may be on their way unseen. A frame waits for
# the mini-batches that are being learned, so that of 60 some 30 are left.
FRAMES, UNSEEN = 60, 2

# While the page has yet to draw the frames that it has, the desk pauses for so many seconds after
# each chunk: the page may need the core. One that draws none for longer than that is not watched.
PAUSE, WATCHED = 0.004, 0.25

# A page that is hidden draws nothing; after so many seconds its curve goes on all the same.
HIDDEN = 1.0

# Mini-batches a second by the speed; "full" has no bound.
SPEEDS = {"slow": 2.0, "normal": 60.0}


class Pace:
    """Counts frames that were sent and seen, and chooses how many mini-batches come next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.chunk = 1
        self.begin()

    def begin(self) -> None:
        """Begin anew, with a page that has seen nothing."""
        with self._lock:
            self.sent = self.last_seen = 0
            self.last_time = float("-inf")

    def seen(self, n: object) -> None:
        """Take note that the page has drawn frame n."""
        with self._lock:
            if isinstance(n, int) and not isinstance(n, bool) and n <= self.sent:
                self.last_seen = max(self.last_seen, n)

    def may_send(self, now: float) -> bool:
        """Whether a frame may be sent: the page keeps up, and the last one is long enough ago."""
        with self._lock:
            ready = self.sent - self.last_seen < UNSEEN
            return ready and now - self.last_time >= 1 / FRAMES

    def pause(self, now: float) -> float:
        """Return how long to leave the cores to the page, in seconds."""
        with self._lock:
            behind = self.sent - self.last_seen >= UNSEEN
            return PAUSE if behind and 1 / FRAMES <= now - self.last_time < WATCHED else 0

    def next_frame(self, now: float) -> int:
        """Return the number of the frame that is sent now."""
        with self._lock:
            self.sent += 1
            self.last_time = now
            return self.sent

    def learned(self, count: int, seconds: float) -> None:
        """Take note how long some mini-batches took: a chunk is to be some milliseconds' work."""
        each = max(seconds, 1e-6) / max(count, 1)
        wanted = max(1, int(0.008 / each))
        self.chunk = min(wanted, 2 * self.chunk)
