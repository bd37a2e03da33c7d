"""Where the threads of a step wait for each other, without leaving their cores for long."""

from __future__ import annotations

from typing import Any

from chainrule.engine.compilation import inner
from chainrule.engine.registers.threads import (
    atomic_add,
    atomic_load,
    atomic_store,
    let_others_run,
)

# How often a thread looks before it offers its core to others; some 50 µs.
LOOKS = 20_000


@inner
def meet(barrier: Any, nth: Any, generation: Any) -> Any:
    """Wait until all threads are here."""
    if nth == 1:
        return generation
    if atomic_add(barrier, 0, 1) == nth - 1:
        atomic_store(barrier, 0, 0)
        atomic_add(barrier, 8, 1)
    else:
        looks = 0
        while atomic_load(barrier, 8) == generation:
            looks += 1
            if looks > LOOKS:
                let_others_run()
    return generation + 1
