"""Whether a network can be trained again from what is known of it, and from what."""

from __future__ import annotations

from chainrule.network import Network
from chainrule.origin import Training, checksum


def check_origin(network: Network) -> tuple[int, Training]:
    """Return the seed of a network's first weights, and its training.

    Raises ValueError if the network can't be trained again from these: says why, and what to do.
    """
    origin = network.origin
    doing = "training=True needs a network that can be trained again, but this one "
    if origin is None:
        raise ValueError(
            f"{doing}was loaded or put together, which leaves no record of how it was trained; "
            "train it in this process, or leave training out"
        )
    if not origin.trainings:
        raise ValueError(f"{doing}was never trained by fit; call fit, or leave training out")
    if len(origin.trainings) > 1:
        raise ValueError(
            f"{doing}was trained by fit {len(origin.trainings)} times; train a new network once"
        )
    if origin.seed is None:
        raise ValueError(
            f"{doing}was not drawn from a seed of its own; give Network an integer random_state"
        )
    (training,) = origin.trainings
    if training.obstacle:
        raise ValueError(f"{doing}{training.obstacle}")
    if training.after is None:
        raise ValueError(f"{doing}has a training that did not end; train a new network")
    drawn = Network(network.structure, dtype=network.dtype, random_state=origin.seed)
    if checksum(drawn.get_arrays()) != training.before:
        raise ValueError(
            f"{doing}was changed between being drawn and being trained; train a new network"
        )
    if checksum(network.get_arrays()) != training.after:
        raise ValueError(
            f"{doing}was changed after its training; write the script before, or leave training out"
        )
    return origin.seed, training
