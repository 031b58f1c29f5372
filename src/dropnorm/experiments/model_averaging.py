"""Monte-Carlo model averaging: the mean answer of k thinned networks (Srivastava et al. 2014, section 7.5)."""

import torch
from torch import Tensor

from dropnorm.networks.feed_forward import FeedForward
from dropnorm.training.examples import Examples
from dropnorm.training.recorder import Recorder
from dropnorm.training.streams import stream

AT_ONCE = 2000  # images in one forward pass


class ModelAveraging:
    """Averages over k = 1, 2, ... thinned networks, `repeats` independent times, with a new mask for every image.

    Two averages: the arithmetic mean of probabilities (what the paper's released code does) and the renormalised
    geometric mean, which weight scaling approximates.
    """

    def __init__(self, seeds: list[int], test: Examples, settings):
        self.seeds, self.test, self.repeats = seeds, test, settings.repeats
        shape = (self.repeats, len(seeds), len(test.labels), 10)
        self.sum_p = torch.zeros(shape, device=test.labels.device)
        self.sum_log_p = torch.zeros(shape, device=test.labels.device)
        self.drawn = 0  # thinned networks so far, over all repeats

    def advance(self, network: FeedForward, recorder: Recorder) -> None:
        """Draw one more thinned network for one of the repeats; record errors (%) at k when all repeats have it."""
        k, repeat = divmod(self.drawn, self.repeats)
        log_p = self._thinned(network).log_softmax(2)
        self.sum_p[repeat] += log_p.exp()
        self.sum_log_p[repeat] += log_p
        self.drawn += 1
        if repeat == self.repeats - 1:
            recorder.add(k + 1, "arithmetic_error", self._errors(self.sum_p))
            recorder.add(k + 1, "geometric_error", self._errors(self.sum_log_p))

    def _thinned(self, network: FeedForward) -> Tensor:
        """Logits `[replica, image, class]` of one thinned network for each image."""
        generators = [stream(seed, "averaging", self.drawn) for seed in self.seeds]
        parts = []
        for index in torch.arange(len(self.test.labels), device=self.test.labels.device).split(AT_ONCE):
            x = self.test.inputs(index).expand(len(self.seeds), -1, -1)
            parts.append(network.forward(x, network.draw_noise(len(index), generators)).logits)
        return torch.cat(parts, dim=1)

    def _errors(self, total: Tensor) -> Tensor:
        """Wrong answers in percent, `[replica, repeat]`. The sum has the same largest class as the mean."""
        wrong = total.argmax(3) != self.test.labels
        return 100 * wrong.float().mean(2).T

    def state(self) -> dict[str, Tensor]:
        return {
            "averaging/sum_p": self.sum_p,
            "averaging/sum_log_p": self.sum_log_p,
            "averaging/drawn": torch.tensor(self.drawn),
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.sum_p.copy_(state["averaging/sum_p"])
        self.sum_log_p.copy_(state["averaging/sum_log_p"])
        self.drawn = int(state["averaging/drawn"])
