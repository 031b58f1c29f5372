"""Three exact statements about the two forms, one after another: equal outputs, equal paths, means over masks.

A step compares the outputs on one mini-batch, then makes one update of each path, then draws masks for each image. All
is in float64 but for outputs that are compared in float32 too.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from dropnorm.experiments.forms.mean_network import MeanNetwork
from dropnorm.experiments.forms.settings import Settings
from dropnorm.experiments.marginal.trajectories import Trajectories, TrajectorySettings
from dropnorm.training.examples import Examples
from dropnorm.training.order import EpochOrder
from dropnorm.training.recorder import Recorder
from dropnorm.training.streams import stream

PRECISIONS = {"float64": torch.float64, "float32": torch.float32}
PATHS = {"converted": True, "same_rate": False}  # whether the inverted form has its rates converted


class Exact:
    """Outputs, paths and means of R seeds."""

    def __init__(self, settings: Settings, seeds: list[int], dataset, device: torch.device):
        self.sizes = settings.exact
        test_images = len(dataset.test_labels)
        self.paths = {
            name: Trajectories(plain(settings, test_images, convert), seeds, dataset, device)
            for name, convert in PATHS.items()
        }
        path = self.paths["converted"]
        self.outputs = Outputs(settings, seeds, path.train, device)
        self.means = MeanNetwork(path.paper.net, path.test, self.sizes.images, self.sizes.masks, seeds)

    def advance(self, step: int, recorder: Recorder) -> None:
        update = step - self.sizes.batches
        if update < 0:
            self.outputs.advance(step, recorder)
        elif update < self.sizes.updates:
            for name, path in self.paths.items():
                path.advance(update, _Prefixed(recorder, name))
        else:
            self.means.advance(update - self.sizes.updates, recorder)

    def state(self) -> dict[str, Tensor]:
        paths = {f"{name}/{key}": t for name, path in self.paths.items() for key, t in path.state().items()}
        return paths | {"sums": self.means.sums}

    def load_state(self, state: dict[str, Tensor]) -> None:
        for name, path in self.paths.items():
            mine = {key.removeprefix(f"{name}/"): t for key, t in state.items() if key.startswith(f"{name}/")}
            path.load_state(mine)
        self.means.sums.copy_(state["sums"])


class Outputs:
    """The largest difference of a logit between both forms with their first weights, in training and at test."""

    def __init__(self, settings: Settings, seeds: list[int], train: Examples, device: torch.device):
        self.seeds, self.train = seeds, train
        self.order = EpochOrder(seeds, len(train.labels), settings.training.batch_size, device)
        inputs = train.pixels.shape[1]
        self.nets = {
            name: [settings.network.build(inputs, form, seeds, dtype, device) for form in ("paper", "inverted")]
            for name, dtype in PRECISIONS.items()
        }

    @torch.no_grad()
    def advance(self, step: int, recorder: Recorder) -> None:
        index = self.order.batch(step)
        for name, dtype in PRECISIONS.items():
            paper, inverted = self.nets[name]
            x = self.train.inputs(index).to(dtype)
            masks = paper.draw_masks(index.shape[1], [stream(seed, "masks", step) for seed in self.seeds])
            for mode, r in {"train": masks, "test": None}.items():
                difference = (paper.forward(x, r) - inverted.forward(x, r)).abs().amax((1, 2))
                recorder.add(step + 1, f"{mode}_{name}", difference)


def plain(settings: Settings, test_images: int, convert: bool) -> TrajectorySettings:
    """The two paths of `Trajectories` without what is no plain gradient descent: momentum, limit, decay."""
    network, updates = settings.network, settings.exact.updates
    return TrajectorySettings(
        hidden=network.hidden,
        p_input=network.p_input,
        p_hidden=network.p_hidden,
        init_std=network.init_std,
        lr=settings.optimiser.lr,
        lr_half_time=float("inf"),
        momentum_start=0,
        momentum_final=0,
        momentum_tau=1,
        max_norm=float("inf"),
        l2=0,
        batch_size=settings.training.batch_size,
        steps=updates,
        measure_every=max(1, updates // 50),
        test_images=test_images,
        convert=convert,
    )


class _Prefixed(NamedTuple):
    """A recorder in which the quantities of one path have its name in front."""

    recorder: Recorder
    name: str

    def add(self, step: int, quantity: str, values: Tensor) -> None:
        self.recorder.add(step, f"{self.name}.{quantity}", values)
