"""Training on more than fits into memory: rows on disk, read and mixed some at a time."""

from chainrule.streaming.source import StreamError
from chainrule.streaming.stream import Stream

__all__ = ["Stream", "StreamError"]
