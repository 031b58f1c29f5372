"""What a run measured: tensors while it trains (so that a checkpoint can hold them), a tidy frame at the end."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor


class Recorder:
    """Measurements by quantity: one value a replica `[replica]`, or one a replica and unit `[replica, unit]`."""

    def __init__(self) -> None:
        self._steps: dict[str, list[int]] = {}
        self._values: dict[str, list[Tensor]] = {}

    def add(self, step: int, quantity: str, values: Tensor) -> None:
        self._steps.setdefault(quantity, []).append(step)
        self._values.setdefault(quantity, []).append(values.detach().float().cpu())

    def state(self) -> dict[str, Tensor]:
        """Tensors that hold everything recorded so far; `load_state` restores them to the bit."""
        state = {}
        for quantity, steps in self._steps.items():
            state[f"record/{quantity}/steps"] = torch.tensor(steps)
            state[f"record/{quantity}/values"] = torch.stack(self._values[quantity])
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        quantities = {name.split("/")[1] for name in state if name.startswith("record/")}
        self._steps = {q: state[f"record/{q}/steps"].tolist() for q in quantities}
        self._values = {q: list(state[f"record/{q}/values"]) for q in quantities}

    def frame(self) -> pd.DataFrame:
        """Tidy rows (replica, step, quantity, unit, value); `unit` is missing where there is one value a replica."""
        # Sorted, so that a run that was resumed writes its rows in the same order as one that was not.
        return pd.concat([self._quantity_frame(q) for q in sorted(self._steps)], ignore_index=True)

    def _quantity_frame(self, quantity: str) -> pd.DataFrame:
        values = torch.stack(self._values[quantity]).numpy()  # [time, replica] or [time, replica, unit]
        index = np.indices(values.shape).reshape(values.ndim, -1)
        unit = index[2] if values.ndim == 3 else [pd.NA] * values.size
        return pd.DataFrame(
            {
                "replica": index[1],
                "step": np.asarray(self._steps[quantity])[index[0]],
                "quantity": quantity,
                "unit": pd.array(unit, dtype="Int16"),
                "value": values.ravel(),
            }
        )
