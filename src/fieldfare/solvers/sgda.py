"""SGD with adaptive regularisation: the penalties are learned too, on held-out rows.

Rendle, Learning Recommender Systems with Adaptive Regularization, WSDM 2012. Some rows are held out
and train no parameter: after each step on a training row, the L2 penalties of the linear weights
and of each factor take a step against the loss of a held-out row; see `adaptive_epoch`.
"""

from __future__ import annotations

from typing import final

import numpy as np

from fieldfare._random import permutation
from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare.config import SolverConfig
from fieldfare.data.split import split_rows
from fieldfare.kernels.adaptive import adaptive_epoch
from fieldfare.kernels.table import Spec
from fieldfare.kinds.solvers import SGDA
from fieldfare.models.base import Model
from fieldfare.rows import RelatedRows, Rows, as_rows
from fieldfare.solvers.base import counted
from fieldfare.solvers.tables import TableSolver, labels_of, weights_of, without_zero_weights

_HELD_OUT = 0.1


@final
class SgdaSolver(TableSolver):
    """Improves a model and its penalties, one epoch at a time.

    Parameters
    ----------
    model : Model
        Where to start; not changed. A linear model or an FM, with one output.
    config : SolverConfig, optional
        ``learning_rate`` is the step size of parameters and penalties; the L2 penalties are where
        they start.
    seed : int
        Fixes which rows are held out, and the order of the rows of each epoch.

    Raises
    ------
    ConfigError
        If the model is of another kind, or for more than two classes.
    """

    runs = (SGDA,)
    _own_state = ("penalties", "epochs")

    def __init__(self, model: Model, config: SolverConfig | None = None, *, seed: int = 0) -> None:
        super().__init__(model, config, seed=seed)
        spec = model.spec(self.config)
        k = 0 if self._factors is None else self._factors.shape[1]
        self._penalties = np.full(1 + k, spec.rates("factors").l2)
        self._penalties[0] = spec.rates("linear").l2
        self._epochs = np.zeros(1, np.int64)
        self._visits = np.zeros(model.n_features if self.needs_visits else 0, np.int64)

    def train(
        self,
        rows: Rows | RelatedRows,
        order: Int64Array,
        class_weight: Float32Array | None = None,
        n_threads: int = 1,
    ) -> tuple[float, float]:
        """Learn from nine tenths of the rows that ``order`` names, in random order, on one thread.

        Returns
        -------
        loss, weight : float
            Sums over the training rows of weight times loss before the step, and of weight.

        Raises
        ------
        DataError
            If there are fewer than two rows, or one is out of range.
        """
        rows = as_rows(rows)
        labels_of(rows)
        order = without_zero_weights(rows, order, class_weight)
        kept, held_out = split_rows(len(order), _HELD_OUT, self.seed)
        self._epochs[0] += 1
        kept = kept[permutation(self.seed, "shuffle", len(kept), int(self._epochs[0]))]
        weight = weights_of(rows, None, class_weight)
        config = self._origin.config
        loss = adaptive_epoch(
            self._spec(),
            rows,
            (order[kept], order[held_out]),
            self._bias if config.fit_intercept else None,
            self._linear if config.fit_linear else None,
            self._factors,
            self._penalties,
            times=self._times(),
            weight=weight,
        )
        if weight is None:
            return loss, float(len(kept))
        return loss, float(weight[order[kept]].sum(dtype=np.float64))

    @property
    def needs_visits(self) -> bool:
        """Whether penalties depend on how often features are visited."""
        return self._penalty_exponent != 0

    def learn_visits(self, visits: Int64Array, *, more: bool = False) -> None:
        """Learn how often each feature occurs in the rows to come; see `Solver.learn_visits`."""
        if self.needs_visits:
            self._visits = counted(self._visits, visits, more=more)

    def _times(self) -> Float32Array | None:
        """Return by what the penalties of each feature are multiplied; None: by one."""
        if not self.needs_visits:
            return None
        times = np.maximum(self._visits, 1) ** self._penalty_exponent
        return times.astype(np.float32)

    def state(self) -> dict[str, AnyArray]:
        """Return what is needed to continue exactly, not copied."""
        return super().state() | ({"visits": self._visits} if self.needs_visits else {})

    def grow(self, n_features: int) -> None:
        """Add features at the end of the tables, as if the model had been built with them."""
        super().grow(n_features)
        if self.needs_visits:
            added = self.n_features - len(self._visits)
            self._visits = np.append(self._visits, np.zeros(added, np.int64))

    def export(self) -> Model:
        """Return the current parameters as a Model; its provenance has the penalties."""
        model, spec = super().export(), self._spec()
        scaled = [spec.rates(part).l2 for part in ("linear", "factors")]
        own = self._penalties.tolist()
        # In the units of the settings, which do not depend on the unit of the target.
        learned = {"l2_linear": own[0] / scaled[0]}
        if len(own) > 1:
            learned["l2_factors"] = [value / scaled[1] for value in own[1:]]
        return model.with_(provenance={**model.provenance, "learned_penalties": learned})

    def _spec(self) -> Spec:
        """Return the Spec of the kernel, with penalties of one."""
        units = SolverConfig(
            solver=SGDA.name,
            learning_rate=self.config.learning_rate,
            l2_linear=1.0,
            l2_factors=1.0,
        )
        return self._origin.spec(units)
