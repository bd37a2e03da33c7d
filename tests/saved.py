"""A network to save, and the files that are made of it by hand."""

from __future__ import annotations

import json
import os
import struct
import tempfile
from pathlib import Path
from typing import Any

from safetensors.numpy import save

from chainrule import ELU, Huber, Layer, Network, Structure, load
from chainrule.description import describe_structure

KEPT = Path(__file__).parent / "data" / "network-format-1.safetensors"


def small_network() -> Network:
    """Return a network with a bit of everything."""
    layers: list[int | Layer] = [
        2,
        Layer(3, ELU(0.5), normalization="batch", dropout=0.25),
        Layer(2, "relu"),
        1,
    ]
    return Network(Structure(layers, loss=Huber(2.0)), random_state=0)


def through_a_file(network: Network, **options: Any) -> Network:
    """Return what is loaded from the file of a network."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        network.save(path, **options)
        loaded: Network = load(path, **options)
        assert os.listdir(folder) == [path.name]
        return loaded


def valid(network: Network | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is in the metadata, and the arrays, of a network's file."""
    network = network or small_network()
    model = {
        "format": "chainrule model",
        "format_version": 1,
        "written_by": "0.1.0",
        "kind": "network",
        "description": {
            "dtype": network.dtype.name,
            "structure": describe_structure(network.structure),
        },
    }
    return model, {**network.parameters, **network.statistics}


def with_text(text: str, arrays: dict[str, Any] | None = None) -> bytes:
    """Return a safetensors file with this text in its metadata."""
    made: bytes = save(valid()[1] if arrays is None else arrays, {"chainrule": text})
    return made


def take_apart(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header of a safetensors file as JSON, and what comes after it."""
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def put_together(header: dict[str, Any], rest: bytes) -> bytes:
    """Return a safetensors file of a header as JSON, and what comes after it."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + rest
