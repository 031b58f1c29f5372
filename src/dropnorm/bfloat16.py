"""Products in bfloat16 on a processor that has none: operands rounded as they are, sums in float32.

Without instructions for it, PyTorch computes a bfloat16 product on a CPU some ten times as slowly as a float32 one. The
rounding is what an experiment asks for; how the sums are made is the machine's affair, as it is for float32.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from pydantic import BaseModel
from torch.overrides import TorchFunctionMode

PRODUCTS = (torch.bmm, torch.baddbmm)


def has_bfloat16(device: torch.device) -> bool:
    """Whether products in bfloat16 are at least as fast as in float32 there."""
    if device.type != "cpu":
        return True
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def bfloat16_products(device: torch.device, settings: BaseModel) -> AbstractContextManager:
    """Within it, batched products in bfloat16 are fast on any device: by float32 arithmetic where there is no other.

    Nothing is changed where `settings` ask for no bfloat16: looking at each call of torch costs small networks a tenth
    of their time.
    """
    asked = "bfloat16" in settings.model_dump_json()
    return InFloat32() if asked and not has_bfloat16(device) else nullcontext()


class InFloat32(TorchFunctionMode):
    """Multiply bfloat16 operands, sum in float32, and round the result: what bfloat16 instructions do."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in PRODUCTS and args[-1].dtype == torch.bfloat16:
            return function(*(operand.float() for operand in args), **kwargs).bfloat16()
        return function(*args, **kwargs)
