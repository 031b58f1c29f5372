"""The benchmark compares what it says it compares. Times themselves are never asserted."""

import json

import pytest
import torch

from dropnorm.bench import BENCHMARKS, dropout_mlp, file_name, sigmoid_mlp, vgg
from dropnorm.bench.sigmoid_mlp import step_flops, usual_model
from dropnorm.book.benchmarks import benchmarks
from dropnorm.files import read_json
from dropnorm.names import ResultName
from dropnorm.protocol import load


@pytest.fixture(params=["baseline", "batchnorm"])
def settings(root, request):
    return load(root, ResultName("ioffe2015", "figure1"), "paper").arms[request.param]


def test_both_versions_are_the_same_network(settings):
    from dropnorm.networks.sigmoid_mlp import SigmoidMLP

    batch = settings.network.normalisation == "batch"
    ours = SigmoidMLP([784, *settings.network.hidden, 10], batch)
    ours.initialise([0], [settings.network.init_std], torch.device("cpu"))
    count = sum(p.numel() for p in ours.parameters.values())
    # The usual network keeps a bias before each normalization, which has no effect there and which ours leaves out.
    idle = sum(settings.network.hidden) if batch else 0
    assert sum(p.numel() for p in usual_model(settings).parameters()) == count + idle


def test_the_work_of_a_step_is_the_registry_s(settings):
    """99,400 products an image; three passes, less the gradient of the input; two operations each; 60 images."""
    assert step_flops(settings) == 2 * 60 * (3 * 99_400 - 78_400)


def test_the_usual_dropout_network_has_our_layers(root):
    from dropnorm.networks.feed_forward import FeedForward

    settings = load(root, ResultName("srivastava2014", "table2"), "paper").arms["max_norm_3x1024"]
    model = dropout_mlp.usual_model(settings)
    ours = FeedForward([784, *settings.network.widths, 10], [torch.ones(1)] * 4)
    ours.initialise([0], ["he"], torch.device("cpu"))
    assert sum(p.numel() for p in model.parameters()) == sum(p.numel() for p in ours.parameters.values())
    rates = [layer.p for layer in model if isinstance(layer, torch.nn.Dropout)]
    assert rates == pytest.approx([0.2, 0.5, 0.5, 0.5])


def test_every_benchmark_has_its_module():
    assert {"sigmoid_mlp": sigmoid_mlp, "dropout_mlp": dropout_mlp, "vgg": vgg}.keys() == BENCHMARKS.keys()
    assert all(callable(module.measure) for module in (sigmoid_mlp, dropout_mlp, vgg))


@pytest.mark.parametrize("arm", ["standard", "batchnorm"])
def test_the_usual_vgg_has_our_layers(root, arm):
    from dropnorm.networks.vgg import VGG

    settings = load(root, ResultName("santurkar2018", "figure1"), "full").arms[arm]
    n = settings.network
    ours = VGG(n.blocks, n.hidden, n.normalisation, n.eps).initialise(0, n.init, torch.device("cpu"))
    idle = sum(map(sum, n.blocks)) if arm == "batchnorm" else 0  # biases before a normalization
    count = sum(p.numel() for p in ours.values()) + idle
    assert sum(p.numel() for p in vgg.usual_model(settings).parameters()) == count


def test_the_work_of_a_vgg_step_is_the_registry_s(root):
    """Section 3 of the registry: VGG-16 with one fully connected layer, 313 million products an image."""
    settings = load(root, ResultName("santurkar2018", "figure1"), "paper").arms["standard"]
    first = 9 * 3 * 64 * 32**2
    assert vgg.step_flops(settings) == pytest.approx(2 * 128 * (3 * 313.2e6 - first), rel=1e-3)


def test_committed_figures_lie_where_bench_writes_them(root):
    folder = root / "published" / "bench"
    found = sorted(folder.glob("**/*.json"))
    assert found == sorted(folder / file_name(read_json(path)) for path in found)


def test_processors_stand_side_by_side_in_one_table_a_benchmark(tmp_path):
    figures = {"ms": 1.0, "ms_low": 0.9, "ms_high": 1.2, "times_faster": 2.0, "share_of_peak": 0.5}
    for processor, ms in (("Intel(R) Xeon(R) (family 6, model 1)", 3.25), ("AMD EPYC (family 25, model 2)", 4.75)):
        of_processor = {
            "benchmark": "dropout_mlp",
            "gflops_peak": 100.0,
            "nets": {"3x1024": {"usual": figures | {"ms": ms}}},
            "machine": {"cpu": processor, "threads": 1, "gemm": "MKL", "packages": {"torch": "2"}, "commit": None},
            "measured": "2026-01-01",
        }
        path = tmp_path / "published" / "bench" / file_name(of_processor)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(of_processor))
    page = benchmarks(tmp_path)
    rows = [line for line in page.splitlines() if "the usual way" in line]
    assert ["AMD (family 25, model 2)" in rows[0], "Intel (family 6, model 1)" in rows[1]] == [True, True]
    assert "4.75" in rows[0] and "3.25" in rows[1]
    assert page.count("Times as fast") == 1
