"""One VGG net in training: its weights, its step, and what is measured at it. Knows nothing of stacks or records."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from dropnorm.experiments.vgg_parts import activations, landscape
from dropnorm.experiments.vgg_parts.settings import Settings
from dropnorm.experiments.vgg_parts.shift import mixed, shift
from dropnorm.layers.channel_noise import NoiseSizes, draw
from dropnorm.layers.channel_norm import Statistics
from dropnorm.networks.vgg import VGG, Noise, Parameters
from dropnorm.training.pictures import Pictures
from dropnorm.training.streams import stream

Found = dict[str, Tensor]  # measurements by quantity: a number, or one a unit
TEST_BATCH = 200


class Net:
    """The net of one seed. Everything but `parameters` is a function of (seed, step)."""

    def __init__(self, settings: Settings, seed: int, device: torch.device):
        s = settings
        self.settings, self.seed, self.device = settings, seed, device
        self.vgg = VGG(s.network.blocks, s.network.hidden, s.network.normalisation, s.network.eps)
        self.parameters = self.vgg.initialise(seed, s.network.init, device)
        self.channels = {
            layer.number: activations.followed_channels(layer.number, layer.n_out, s.measure.channels)
            for layer in self.vgg.layers
            if layer.number in s.measure.activation_layers
        }

    # --- one step ---

    def advance(self, x: Tensor, labels: Tensor, step: int) -> tuple[Found, Tensor]:
        """Measure what is due at these weights, then update them. Returns the measurements, and the loss."""
        found, gradient = self._measure_gradients(x, labels, step)
        before = {name: p.detach().clone() for name, p in self.parameters.items()} if self._shift_due(step) else {}
        more, used, loss = self._update(x, labels, step)
        found |= more
        if gradient:
            error = {name: used[name] - g for name, g in gradient.items()}
            found["products_error"] = landscape.norm(error) / landscape.norm(gradient)
        if before:
            found |= self._measure_shift(before, gradient, x, labels, step)
        return found, loss

    def _update(self, x: Tensor, labels: Tensor, step: int) -> tuple[Found, Parameters, Tensor]:
        """One step of plain SGD. Returns what its own forward pass shows, the gradient used, and the loss."""
        s = self.settings
        watched = list(self.channels) if self._activations_due(step) or self._quantiles_due(step) else []
        output = self.vgg.forward(
            self.parameters, x, products=s.training.products, noise=self._noise("noise", step), watched=watched
        )
        loss = self._loss(output.logits, labels, self.parameters)
        gradients = torch.autograd.grad(loss, list(self.parameters.values()))
        with torch.no_grad():
            torch._foreach_add_(list(self.parameters.values()), gradients, alpha=-s.optimiser.lr)
        loss = loss.detach()
        return self._seen(output, labels, loss, step), dict(zip(self.parameters, gradients, strict=True)), loss

    def _seen(self, output, labels: Tensor, loss: Tensor, step: int) -> Found:
        found = {}
        if step % self.settings.measure.record_every == 0:
            found["train_loss"] = loss
            found["train_accuracy"] = (output.logits.argmax(1) == labels).float().mean()
        if self._activations_due(step):
            found |= activations.moments(output.activations, self.channels)
        if self._quantiles_due(step):
            found |= activations.quantiles(output.activations, self.channels)
        return found

    def _loss(self, logits: Tensor, labels: Tensor, parameters: Parameters) -> Tensor:
        """Mean cross-entropy, plus lambda/2 of the squared weights if there is weight decay."""
        loss = cross_entropy(logits, labels)
        if decay := self.settings.optimiser.weight_decay:
            loss = loss + decay / 2 * sum(W.square().sum() for name, W in parameters.items() if name.startswith("W"))
        return loss

    def _noise(self, purpose: str, counter: int) -> Noise | None:
        """The noise of one forward pass: the same for equal (seed, counter)."""
        n = self.settings.noise
        if n.kind == "none":
            return None
        sizes = NoiseSizes(n.n_mu, n.n_sigma, n.r_mu, n.r_sigma)

        def add(u: Tensor, layer: int) -> Tensor:
            noise = draw(u.shape, sizes, stream(self.seed, f"{purpose}{layer}", counter), u.device)
            return noise.add_to(u) if n.kind == "absolute" else noise.add_relative(u)

        return add

    # --- probes: float32, at copies of the weights ---

    def _evaluator(self, x: Tensor, labels: Tensor, step: int) -> Callable[[Parameters], tuple[Tensor, Parameters]]:
        """Loss and gradient as functions of the parameters, on one mini-batch with one draw of noise."""

        def evaluate(parameters: Parameters) -> tuple[Tensor, Parameters]:
            logits = self.vgg.forward(parameters, x, noise=self._noise("noise", step)).logits
            loss = self._loss(logits, labels, parameters)
            gradients = torch.autograd.grad(loss, list(parameters.values()))
            return loss.detach(), dict(zip(parameters, gradients, strict=True))

        return evaluate

    def _measure_gradients(self, x: Tensor, labels: Tensor, step: int) -> tuple[Found, Parameters]:
        """The landscape along the gradient and along a random direction; also returns the gradient, if needed."""
        measure = self.settings.measure
        walks = {
            "landscape": _due(step, measure.landscape_every),
            "random": _due(step, measure.random_every),
        }
        if not any(walks.values()) and not self._shift_due(step):
            return {}, {}
        evaluate = self._evaluator(x, labels, step)
        loss, g = evaluate(self.parameters)
        found = {}
        if any(walks.values()):
            found |= {"landscape_base_loss": loss, "landscape_gradient_norm": landscape.norm(g)}
        for name in (name for name, due in walks.items() if due):
            d = g if name == "landscape" else landscape.random_direction(g, stream(self.seed, "direction", step))
            etas = [self.settings.optimiser.lr * c for c in measure.step_lengths]
            walk = landscape.along(evaluate, self.parameters, g, d, etas)
            found |= {f"{name}_{quantity}": values for quantity, values in walk._asdict().items()}
        return found, g

    def _measure_shift(self, before: Parameters, gradient: Parameters, x: Tensor, labels: Tensor, step: int) -> Found:
        """Definition 2.1 between `before` and the weights as they are now."""
        found = {}
        for layer in self.settings.measure.shift_layers:
            parameters = {name: p.detach() for name, p in mixed(before, self.parameters, layer).items()}
            W = parameters[f"W{layer}"].requires_grad_()
            logits = self.vgg.forward(parameters, x, noise=self._noise("noise", step)).logits
            (G_prime,) = torch.autograd.grad(self._loss(logits, labels, parameters), W)
            of_layer = shift(gradient[f"W{layer}"], G_prime)
            found |= {f"shift_{quantity}_layer{layer}": value for quantity, value in of_layer._asdict().items()}
        return found

    # --- test accuracy ---

    @torch.no_grad()
    def test_accuracy(self, train: Pictures, test: Pictures, step: int) -> Found:
        """Share of right answers of the inference network; for a net with noise also with its noise left on."""
        statistics = self.vgg.population_statistics(self.parameters, self._population_batches(train))
        found = {"test_accuracy": self._accuracy(test, statistics, None)}
        if self.settings.noise.kind != "none":
            found["test_accuracy_with_noise"] = self._accuracy(test, statistics, step)
        return found

    def _accuracy(self, test: Pictures, statistics: list[Statistics] | None, noise_step: int | None) -> Tensor:
        right, count = 0, len(test.labels)
        for start in range(0, count, TEST_BATCH):
            index = torch.arange(start, min(start + TEST_BATCH, count), device=self.device)
            noise = None if noise_step is None else self._noise("test_noise", noise_step * count + start)
            logits = self.vgg.forward(self.parameters, test.inputs(index), statistics=statistics, noise=noise).logits
            right += (logits.argmax(1) == test.labels[index]).sum()
        return right / count

    def _population_batches(self, train: Pictures) -> list[Tensor]:
        """The same training pictures at each call."""
        m, batches = self.settings.training.batch_size, self.settings.measure.population_batches
        chosen = torch.randperm(len(train.labels), generator=stream(0, "population"))[: batches * m]
        return [train.inputs(index) for index in chosen.to(self.device).split(m)]

    # --- what is due ---

    def _activations_due(self, step: int) -> bool:
        """At two steps in a row: their difference is Figure 8 (a)."""
        every = self.settings.measure.activations_every
        return _due(step, every) or (step > 0 and _due(step - 1, every))

    def _quantiles_due(self, step: int) -> bool:
        return _due(step, self.settings.measure.quantiles_every)

    def _shift_due(self, step: int) -> bool:
        return _due(step, self.settings.measure.shift_every)


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
