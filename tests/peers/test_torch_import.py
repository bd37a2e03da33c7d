"""Stacks of PyTorch's Linear layers give the same outputs here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from chainrule import LeakyReLU, from_torch

pytestmark = pytest.mark.peers

ACTIVATIONS: dict[str, tuple[Any, Any]] = {
    "relu": (nn.ReLU(), "relu"),
    "leaky_relu": (nn.LeakyReLU(0.2), LeakyReLU(0.2)),
    "elu": (nn.ELU(), "elu"),
    "selu": (nn.SELU(), "selu"),
    "gelu": (nn.GELU(), "gelu"),
    "silu": (nn.SiLU(), "silu"),
    "mish": (nn.Mish(), "mish"),
    "tanh": (nn.Tanh(), "tanh"),
    "sigmoid": (nn.Sigmoid(), "sigmoid"),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_outputs_are_those_of_pytorch(name: str, bias: bool, dtype: str, tmp_path: Path) -> None:
    """From a file that safetensors has written, and from the state itself; twelve layers."""
    torch.manual_seed(0)
    g, ours = ACTIVATIONS[name]
    kind = getattr(torch, dtype)
    layers: list[Any] = [nn.Linear(4, 8, dtype=kind)]
    for _ in range(10):
        layers += [g, nn.Linear(8, 8, bias=bias, dtype=kind)]
    layers += [g, nn.Linear(8, 3, dtype=kind), nn.Softmax(dim=1)]
    model = nn.Sequential(*layers)
    X = torch.randn(50, 4, dtype=kind)
    A = model(X).detach().numpy()
    save_file(model.state_dict(), tmp_path / "it.safetensors")
    # The same sums in another order: some roundings a layer, of 1e-16 or 6e-8
    atol = 1e-13 if dtype == "float64" else 1e-5
    for weights in (tmp_path / "it.safetensors", model.state_dict()):
        network = from_torch(weights, ours, "softmax")
        assert network.dtype == dtype
        np.testing.assert_allclose(network.forward(X.numpy()), A, rtol=0, atol=atol)


def test_a_pickle_of_pytorch_is_refused(tmp_path: Path) -> None:
    """As what it is: no safetensors file."""
    torch.save(nn.Linear(2, 1).state_dict(), tmp_path / "it.pt")
    with pytest.raises(ValueError, match="no safetensors file"):
        from_torch(tmp_path / "it.pt", "relu", "sigmoid")


def test_other_numbers_and_layers_of_pytorch_are_refused() -> None:
    """By name: half precision, and normalisation."""
    with pytest.raises(TypeError, match="weight"):
        from_torch(nn.Linear(2, 1, dtype=torch.bfloat16).state_dict(), "relu", "sigmoid")
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    with pytest.raises(ValueError, match="BatchNorm1d, are not read"):
        from_torch(model.state_dict(), "relu", "sigmoid")
