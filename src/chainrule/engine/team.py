"""Threads that, after a prediction, look out for the next one for a moment before they sleep.

To wake a thread takes longer than a thousand rows. While they look out, a call finds them at once;
and only what is short, and comes often, finds them looking out.
"""

from __future__ import annotations

import ctypes
import os
import threading
from functools import cache
from typing import Any

import numpy as np
from numba import types

from chainrule.engine.layout import address
from chainrule.engine.registers import NUMBERS, POINTERS, get, pointer_from, put
from chainrule.engine.registers.calls import Addressed, caller
from chainrule.engine.registers.threads import (
    atomic_add,
    atomic_load,
    atomic_store,
    let_others_run,
)

# How often a thread looks before it sleeps: about a millisecond.
LOOKS = 400_000

# The board that the threads look at; what several write has a cache line of its own.
TASK, GATE, DONE = 0, 1, 8  # which task, how many threads began it, and how many are done
THREADS, KERNEL, RUN, P_AT = 16, 17, 18, 19  # what the task is
OF_THREAD = 24  # then for each thread: whether it sleeps, and the last task it has seen
SLEEPS, SEEN, N_OF_THREAD = 0, 1, 8
# A task's number tells how many threads it is for, so that the others need not look further.
MOST_THREADS = 64
# From this number on the gate is shut: who comes late is not waited for.
SHUT = 1 << 32


def task_signature(dtype: Any) -> Any:
    """Return the signature of a task: (tid, run, P) -> a number."""
    return types.int64(types.intp, NUMBERS, POINTERS[dtype])


call_task = caller(task_signature)
TASK_FROM_PYTHON = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_ssize_t, *[ctypes.c_void_p] * 2)


def serve(tid: Any, board: Any, P: Any) -> int:
    """Take part in the tasks of the board, until there has been none for a while."""
    mine = OF_THREAD + N_OF_THREAD * tid
    seen, looks = get(board, mine + SEEN), 0
    while True:
        task = atomic_load(board, TASK)
        if task != seen:
            seen, looks = task, 0
            put(board, mine + SEEN, seen)
            if tid < task % MOST_THREADS and atomic_add(board, GATE, 1) < SHUT:
                if tid < get(board, THREADS):  # or the gate is that of the next task already
                    at_run, at_p = get(board, RUN), get(board, P_AT)
                    run, p = pointer_from(at_run, np.int64), pointer_from(at_p, P)
                    call_task(get(board, KERNEL), P, (tid, run, p))
                atomic_add(board, DONE, 1)
        else:
            looks += 1
            if looks > LOOKS:
                # First say so, then look once more: `post` does it the other way round
                atomic_store(board, mine + SLEEPS, 1)
                if atomic_load(board, TASK) == seen:
                    return 0
                atomic_store(board, mine + SLEEPS, 0)


def post(tid: Any, board: Any, P: Any) -> int:
    """Put up the task that is on the board; return how many threads sleep that it needs."""
    threads, before = get(board, THREADS), get(board, TASK)
    atomic_store(board, DONE, 0)
    atomic_store(board, GATE, 0)
    atomic_add(board, TASK, (before // MOST_THREADS + 1) * MOST_THREADS + threads - before)
    asleep = 0
    for other in range(1, threads):
        asleep += atomic_load(board, OF_THREAD + N_OF_THREAD * other + SLEEPS)
    return asleep


def lead(tid: Any, board: Any, P: Any) -> int:
    """Take part in the task as thread 0, and wait for those who began it before it was done."""
    run, p = pointer_from(get(board, RUN), np.int64), pointer_from(get(board, P_AT), P)
    told = call_task(get(board, KERNEL), P, (tid, run, p))
    began, looks = atomic_add(board, GATE, SHUT), 0
    if began >= SHUT:  # it was never put up
        return told
    while atomic_load(board, DONE) < began:
        looks += 1
        if looks > LOOKS:
            let_others_run()
    return told


SERVE, POST, LEAD = (Addressed(function, task_signature) for function in (serve, post, lead))


class Team:
    """As many threads as may be used, for tasks in which none waits for another.

    Parameters
    ----------
    threads : int
        How many, the caller's own included.
    kind : Numba type
        float32 or float64, of the parameters that the tasks get.
    """

    def __init__(self, threads: int, kind: Any) -> None:
        self.board = np.zeros(OF_THREAD + N_OF_THREAD * (threads + 1), np.int64)
        self.board[GATE] = SHUT
        self.kernels = [made.compile(kind) for made in (SERVE, POST, LEAD)]
        self.serve, self.post, self.lead = (
            TASK_FROM_PYTHON(kernel.address) for kernel in self.kernels
        )
        self.lock, self.threads = threading.Lock(), threads
        self.bells = [threading.Semaphore(0) for _ in range(threads)]
        for tid in range(1, threads):
            self.board[OF_THREAD + N_OF_THREAD * tid + SLEEPS] = 1
            name = f"chainrule-{kind}-{tid}"
            threading.Thread(target=self._wait, args=(tid,), name=name, daemon=True).start()

    def _wait(self, tid: int) -> None:
        while True:
            self.bells[tid].acquire()
            self.board[OF_THREAD + N_OF_THREAD * tid + SLEEPS] = 0
            self.serve(tid, address(self.board), 0)

    def run(self, kernel: int, threads: int, run: int, P: int) -> None:
        """Run a task, by the address of its kernel, on up to so many threads.

        Thread 0 is the caller's, and does all that the others are too late for.
        """
        board, threads = self.board, min(threads, self.threads, MOST_THREADS - 1)
        place = address(board)
        with self.lock:
            board[[THREADS, KERNEL, RUN, P_AT]] = threads, kernel, run, P
            asleep = 1
            try:
                asleep = self.post(0, place, 0)
            finally:
                if asleep:
                    self._ring(threads)
                self.lead(0, place, 0)

    def _ring(self, threads: int) -> None:
        """Wake those who sleep; to ring once too often does no harm."""
        for tid in range(1, threads):
            if self.board[OF_THREAD + N_OF_THREAD * tid + SLEEPS]:
                self.bells[tid].release()


def team(threads: int, kind: Any) -> Team:
    """Return the team of this process, which is made once."""
    return _team_of(os.getpid(), threads, kind)


@cache
def _team_of(process: int, threads: int, kind: Any) -> Team:
    # A forked child has its parent's team, but none of its threads: hence the process.
    return Team(threads, kind)
