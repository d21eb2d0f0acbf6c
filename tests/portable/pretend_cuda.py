"""A CUDA device that is not there: tensors with a shape and a device and no numbers, to see who mixes devices.

torch's fake tensors carry a device of any name, but a torch built without CUDA refuses to index or move them. Those few
calls are answered here on `meta` instead, where they give the same shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

CUDA = torch.device("cuda", 0)
# Calls that ask for the device's driver before they are handed to fake tensors.
_ASKS_DRIVER = (
    Tensor.__getitem__,
    Tensor.__setitem__,
    Tensor.__invert__,
    Tensor.new_tensor,
    nn.functional.interpolate,
    nn.functional.unfold,
)


class PretendCuda:
    """Puts tensors and modules on the pretended device, and runs them there."""

    def __init__(self) -> None:
        self._mode = FakeTensorMode()

    def put(self, tensor: Tensor) -> Tensor:
        """A tensor of the same shape and type on the pretended device."""
        shape = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
        return FakeTensor(self._mode, shape, CUDA)

    def call(self, target: Callable[..., Any], arguments: Sequence[Any]) -> Any:
        """Run a function, or a module with its parameters and buffers, on tensors that were put there."""
        with self.running():
            if not isinstance(target, nn.Module):
                return target(*arguments)
            state = {name: self.put(value) for name, value in (*target.named_parameters(), *target.named_buffers())}
            return torch.func.functional_call(target, state, tuple(arguments))

    @contextmanager
    def running(self) -> Iterator[None]:
        """The block in which new tensors are fake, too."""
        with self._mode, _Driverless(self):
            yield


class _Driverless(TorchFunctionMode):
    """Answers the calls that a torch without CUDA would refuse."""

    def __init__(self, device: PretendCuda) -> None:
        super().__init__()
        self._device = device

    def __torch_function__(
        self, func: Callable, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        pretended = args and isinstance(args[0], FakeTensor)
        if func in _ASKS_DRIVER and pretended and args[0].device == CUDA:
            others = [
                leaf for leaf in _tensors(args[1:]) if leaf.device != CUDA and leaf.ndim and leaf.is_floating_point()
            ]
            if others and func is Tensor.__setitem__:
                raise RuntimeError("a tensor on the CPU is written into one on another device")
            with torch._C._DisableTorchDispatch():
                answer = func(*tree_map_only(FakeTensor, _shape_of, args), **kwargs)
            return tree_map_only(Tensor, self._device.put, answer)
        if func is Tensor.copy_ and pretended:  # allowed from one device to another, if the shapes fit
            args[1].expand(args[0].shape)
            return args[0]
        if func in (Tensor.to, Tensor.cuda):
            return _moved(*args, **kwargs) if func is Tensor.to else _moved(args[0], CUDA)
        return func(*args, **kwargs)


def _tensors(tree: Any) -> list[Tensor]:
    found: list[Tensor] = []
    tree_map_only(Tensor, found.append, tree)
    return found


def _shape_of(tensor: Tensor) -> Tensor:
    """The same on `meta`; what picks by value cannot be had."""
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def _moved(tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """`Tensor.to`, without asking the device whether it exists."""
    wanted: dict[str, Any] = {name: kwargs[name] for name in ("device", "dtype") if kwargs.get(name) is not None}
    for argument in args:
        if isinstance(argument, Tensor):
            wanted |= {"device": argument.device, "dtype": argument.dtype}
        elif isinstance(argument, torch.dtype):
            wanted["dtype"] = argument
        elif isinstance(argument, (torch.device, str)):
            wanted["device"] = torch.device(argument)
    wanted["device"] = torch.device(wanted.get("device", tensor.device))
    return torch.ops.aten._to_copy.default(tensor, **wanted)
