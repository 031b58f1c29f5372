"""Made-up runs of trained networks, so that every answer is known, and what their tests ask of an analysis."""

from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from dropnorm.analyses import Context, analysis
from dropnorm.claims import judge, read_claims
from dropnorm.names import ResultName
from dropnorm.plotting import THEMES, theme
from dropnorm.protocol import load
from tests.conftest import ROOT

SPREAD = np.array([-1.0, 0.0, 1.0])  # of three seeds around the value that is asked for


def table_rows(arm: str, quantity: str, table, unit=pd.NA, steps=None) -> pd.DataFrame:
    """A table `[step, seed]` or `[step, seed, unit]` as tidy runs; steps count from 0 if they are not given."""
    values = np.asarray(table, float)
    step, seed, *of_units = np.indices(values.shape).reshape(values.ndim, -1)
    steps = np.arange(len(values)) if steps is None else np.asarray(steps)
    units = of_units[0] if of_units else [unit] * values.size
    return pd.DataFrame({"arm": arm, "seed": seed, "step": steps[step], "quantity": quantity,
                         "unit": pd.array(units, "Int16"), "value": values.ravel()})  # fmt: skip


def rows(arm: str, quantity: str, by_step, spread=0.0, steps=None, unit=pd.NA) -> pd.DataFrame:
    """One value a step; the three seeds lie `spread` apart (a number, or one a step `[step, 1]`)."""
    values = np.asarray(by_step, float).reshape(-1, 1) + spread * SPREAD
    return table_rows(arm, quantity, values, unit, np.arange(1, len(values) + 1) if steps is None else steps)


def changed(parts: list[pd.DataFrame], arm: str, quantity: str, to: float) -> list[pd.DataFrame]:
    """Parts with the values of one of them moved so that their mean is `to`."""
    at = [(part.arm.iloc[0], part.quantity.iloc[0]) == (arm, quantity) for part in parts]
    assert sum(at) == 1
    return [
        part.assign(value=part.value - part.value.mean() + to) if here else part
        for part, here in zip(parts, at, strict=True)
    ]


@cache
def criteria(paper: str):
    """The claims of a paper as registered, read once."""
    return read_claims(ROOT, paper)


def judged(name: ResultName, samples: pd.DataFrame, scale: str = "full") -> dict[str, dict]:
    """What `judge` says of every claim of a result, by the claim's short id."""
    found = judge(criteria(name.paper), name, samples, scale)
    return {claim["id"].split(".", 1)[1]: claim for claim in found}


def verdicts(name: ResultName, summary) -> dict[str, str]:
    """The verdict of every claim of a result, by its short id."""
    return {id_: claim["verdict"] for id_, claim in judged(name, summary.samples).items()}


class MadeUp:
    """A result with made-up runs of its protocol's arms; `reference` is None where the paper has no curve."""

    def __init__(self, target: str, scale: str = "full"):
        self.name = ResultName.parse(target)
        self.module = analysis(self.name)
        self.protocol = load(ROOT, self.name, scale)
        self.settings = next(iter(self.protocol.arms.values())).model_dump()
        of_paper = ROOT / "reference" / f"{target}.csv"
        self.reference = pd.read_csv(of_paper) if of_paper.exists() else None

    def runs(self, parts: list[pd.DataFrame]) -> pd.DataFrame:
        """Parts as one tidy table, as it is read from disk."""
        arms = pd.CategoricalDtype(list(self.protocol.arms))
        runs = pd.concat(parts, ignore_index=True).astype({"arm": arms, "quantity": "category"})
        runs.attrs["settings"] = self.settings
        return runs

    def verdicts(self, runs: pd.DataFrame) -> dict[str, str]:
        """The verdict of every claim, by its short id."""
        return verdicts(self.name, self.module.summarise(runs))

    def measured(self, runs: pd.DataFrame) -> dict[str, float]:
        """Our number of every claim, by its short id."""
        found = judged(self.name, self.module.summarise(runs).samples)
        return {id_: claim["ours"] for id_, claim in found.items()}

    def claims(self) -> dict:
        """The claims of the result as registered."""
        registered = criteria(self.name.paper).claims
        return {id_: claim for id_, claim in registered.items() if claim.result == self.name.result}

    def drawings(self, runs: pd.DataFrame, scale: str = "full", variant: str = "") -> dict:
        context = Context(scale, "MNIST", variant, self.settings)
        return self.module.figures(self.module.summarise(runs).curves, self.reference, context)

    def survives(self, runs: pd.DataFrame, arms) -> None:
        """Runs of these arms only: numbers of no other arm's, a verdict for every claim, drawings that draw."""
        some = runs[runs.arm.isin(list(arms))]
        some.attrs = runs.attrs
        assert set(self.verdicts(some)) == set(self.claims())
        for drawing in self.drawings(some).values():
            with theme("light"):
                plt.close(drawing.draw())


def by_seed(summary, measure: str, arm: str, seeds: int = len(SPREAD)) -> np.ndarray:
    """The values of a sample, one a seed in ascending order; there must be as many as `seeds`."""
    mine = summary.samples[(summary.samples.measure == measure) & (summary.samples.arm == arm)]
    assert len(mine) == seeds
    return mine.sort_values("seed").value.to_numpy()


def value(summary, measure: str, arm: str) -> float:
    """The mean over the three seeds of a sample."""
    return by_seed(summary, measure, arm).mean()


def first_value(summary, measure: str, arm: str) -> float:
    """What the first of five seeds gives as a sample."""
    return by_seed(summary, measure, arm, seeds=5)[0]


def axes_drawn(drawing) -> list:
    """The axes of a drawing in light and dark, closed again."""
    found = []
    for name in THEMES:
        with theme(name):
            figure = drawing.draw()
            found += figure.axes
            plt.close(figure)
    return found
