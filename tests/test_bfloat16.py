"""bfloat16 products without bfloat16 instructions: the same rounding, and in every run where the processor needs it."""

import json

import pytest
import torch
from rich.console import Console

from dropnorm import bfloat16
from dropnorm.bfloat16 import InFloat32, bfloat16_products
from dropnorm.names import Place, ResultName
from dropnorm.protocol import load
from dropnorm.runner import Limits, make_loader, run_pending

CPU = torch.device("cpu")


@pytest.fixture
def operands() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """b, y and W as the networks hold them: W unit by unit in memory."""
    generator = torch.Generator().manual_seed(0)
    b, y, W = (torch.randn(s, generator=generator) for s in ((2, 1, 30), (2, 40, 50), (2, 30, 50)))
    return b.bfloat16(), y.bfloat16(), W.bfloat16().mT


def test_a_product_is_the_exact_one_rounded_once(operands):
    b, y, W = operands
    with InFloat32():
        product, sum_ = torch.bmm(y, W), torch.baddbmm(b, y, W)
    exact = y.double() @ W.double()
    for found, wanted in ((product, exact), (sum_, exact + b.double())):
        assert found.dtype == torch.bfloat16
        torch.testing.assert_close(found.double(), wanted, rtol=2**-8, atol=1e-5)  # half a unit in the last place


def test_factors_of_a_sum_are_kept(operands):
    b, y, W = operands
    with InFloat32():
        sum_ = torch.baddbmm(b, y, W, beta=0.5, alpha=-1)
    torch.testing.assert_close(sum_.double(), 0.5 * b.double() - y.double() @ W.double(), rtol=2**-8, atol=1e-5)


def test_it_agrees_with_what_torch_does_without_it(operands):
    b, y, W = operands
    with InFloat32():
        ours = torch.baddbmm(b, y, W)
    torch.testing.assert_close(ours, torch.baddbmm(b, y, W), rtol=2**-7, atol=1e-4)


def test_other_types_are_left_alone(operands):
    b, y, W = (t.float() for t in operands)
    with InFloat32():
        product, sum_ = torch.bmm(y, W), torch.baddbmm(b, y, W)
    assert torch.equal(product, torch.bmm(y, W)) and torch.equal(sum_, torch.baddbmm(b, y, W))
    assert product.dtype == sum_.dtype == torch.float32


@pytest.mark.parametrize(("native", "replaced"), [(True, False), (False, True)])
def test_a_run_takes_it_where_the_processor_has_no_bfloat16(root, tmp_path, monkeypatch, native, replaced):
    calls = []

    class Counting(InFloat32):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            calls.append(function in bfloat16.PRODUCTS)
            return super().__torch_function__(function, types, args, kwargs)

    monkeypatch.setattr(bfloat16, "InFloat32", Counting)
    monkeypatch.setattr("dropnorm.bfloat16.has_bfloat16", lambda device: native)
    monkeypatch.setattr("dropnorm.provenance.has_bfloat16", lambda device: native)
    name = ResultName("srivastava2014", "appendixa")
    protocol, place = load(root, name, "smoke"), Place(tmp_path, "smoke", name)
    outcome = run_pending(
        protocol, place, arms=["dropout"], seeds=[0], device=CPU,
        load_dataset=make_loader(tmp_path, None), limits=Limits(), console=Console(quiet=True),
    )  # fmt: skip
    assert outcome.done == ["dropout"]
    assert any(calls) == replaced
    session = json.loads(place.run("dropout").with_suffix(".json").read_text())["sessions"][0]
    assert ("bfloat16 by float32" in session["gemm"]) == replaced


@pytest.mark.parametrize(
    ("device", "result", "replaced"),
    [
        ("cpu", "srivastava2014/figure9", True),
        ("cpu", "ioffe2015/figure1", False),
        ("cuda", "srivastava2014/figure9", False),
    ],
)
def test_it_is_taken_on_a_cpu_where_settings_ask_for_it(root, monkeypatch, device, result, replaced):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    settings = next(iter(load(root, ResultName.parse(result), "full").arms.values()))
    assert isinstance(bfloat16_products(torch.device(device), settings), InFloat32) == replaced
