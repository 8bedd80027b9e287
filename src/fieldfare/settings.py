"""Hyperparameters by name: from flat keywords to the groups of `config`, and back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from fieldfare._validation import closest
from fieldfare.config import (
    Config,
    GibbsConfig,
    KerasConfig,
    ModelConfig,
    SolverConfig,
    TrainingConfig,
)
from fieldfare.exceptions import ConfigError
from fieldfare.kinds.solvers import GIBBS, SOLVER_KINDS

if TYPE_CHECKING:  # the command line asks for settings before it needs NumPy
    from fieldfare._typing import JSON

_ConfigT = TypeVar("_ConfigT", bound=Config)

_GROUPS: dict[str, type[Config]] = {
    "training": TrainingConfig,
    "solver": SolverConfig,
    "gibbs": GibbsConfig,
    "keras": KerasConfig,
}


def names_of(*groups: type[Config]) -> tuple[str, ...]:
    """Return the names of the hyperparameters of some groups, in the order of `config`."""
    return tuple(item.name for group in groups for item in fields(group))


# The hyperparameters of `train` and of `sample`.
TRAINED = names_of(ModelConfig, SolverConfig, TrainingConfig)
SAMPLED = (
    *names_of(ModelConfig, GibbsConfig),
    *("scale_features", "random_state", "n_jobs", "verbose"),
)


def check_names(
    parameters: Iterable[str], known: Collection[str], owner: str, others: Collection[str] = ()
) -> None:
    """Refuse keywords that are no hyperparameters.

    Parameters
    ----------
    parameters : iterable of str
        The keywords that were given.
    known : collection of str
        The hyperparameters that there are, such as `TRAINED`.
    owner : str
        The function that was called.
    others : collection of str
        What else it takes: not listed, but suggested where one of them is near.

    Raises
    ------
    ConfigError
        If a name is unknown; the message names the nearest.
    """
    for name in parameters:
        if name not in known:
            raise ConfigError(
                f"There is no parameter {name!r} of {owner}.{closest(name, (*known, *others))} "
                f"The parameters are {', '.join(sorted(known))}."
            )


def read(group: type[_ConfigT], parameters: Mapping[str, Any], **fixed: Any) -> _ConfigT:
    """Return one group of hyperparameters out of flat keywords.

    Parameters
    ----------
    group : type of Config
        Which group.
    parameters : mapping from str to value
        Keywords by name; those that belong to other groups are left alone.
    **fixed
        Values that take the place of those in ``parameters``.

    Raises
    ------
    ConfigError
        If a value is not allowed.
    """
    own = set(names_of(group))
    given = {name: _plain(value) for name, value in parameters.items() if name in own}
    number = given.get("n_factors", "auto")
    if group is ModelConfig and isinstance(number, str) and number == "auto":
        solver = SOLVER_KINDS.get(parameters.get("solver", ""))
        if solver is not None:
            given["n_factors"] = solver.defaults.n_factors
    return group(**given | fixed)


def _plain(value: Any) -> Any:
    """Unwrap NumPy scalars, which grids of hyperparameters hold and a file header cannot."""
    return value.item() if getattr(value, "shape", None) == () else value


@dataclass(frozen=True)
class Settings:
    """The hyperparameters that a model was trained with, besides those in its configuration.

    Parameters
    ----------
    training : TrainingConfig
        How long and with which resources. Its ``random_state`` is the one that the user gave, if
        that was a number or None, and the seed drawn from it otherwise.
    solver : SolverConfig or None
        How the parameters moved; None for samples of a posterior.
    gibbs : GibbsConfig or None
        How many samples were drawn, of samples of a posterior.
    keras : KerasConfig or None
        How Keras trained, if Keras did.
    """

    training: TrainingConfig
    solver: SolverConfig | None = None
    gibbs: GibbsConfig | None = None
    keras: KerasConfig | None = None

    def __post_init__(self) -> None:
        kind = GIBBS if self.solver is None else self.solver.kind
        object.__setattr__(self, "training", self.training.by(kind))

    @property
    def for_recall(self) -> bool:
        """Whether rows are interactions, rather than graded results of a group."""
        compares_all = self.solver is not None and self.solver.kind.all_pairs
        return compares_all or self.training.negatives is not None

    @property
    def reads_side_tables(self) -> bool:
        """Whether side tables are used as they are, rather than joined to the samples."""
        if self.gibbs is not None:
            return GIBBS.reads_side_tables
        return self.solver is not None and self.solver.kind.reads_side_tables

    @property
    def is_repeatable(self) -> bool:
        """Whether the seed fixes the result, whatever the number of threads.

        Of Keras it is not known: that is up to the backend.
        """
        if self.keras is not None:
            return False
        races = self.solver is not None and self.solver.kind.races
        return not races or self.training.n_jobs == 1 or self.training.is_repeatable

    def flat(self) -> dict[str, Any]:
        """Return all hyperparameters by name."""
        chosen = [getattr(self, name) for name in _GROUPS]
        return {name: v for group in chosen if group for name, v in _values(group).items()}

    def to_json(self) -> JSON:
        """Return JSON values that `from_json` turns back into the same settings."""
        saved: JSON = {}
        for name in _GROUPS:
            group = getattr(self, name)
            saved[name] = None if group is None else _values(group)
        weights = self.training.class_weight
        if isinstance(weights, Mapping):  # whose classes may be numbers, and names in JSON are text
            pairs = [[_plain(label), float(weight)] for label, weight in weights.items()]
            saved["training"]["class_weight"] = pairs
        return saved

    @classmethod
    def from_json(cls, saved: Any) -> Settings:
        """Return the settings that `to_json` described.

        A hyperparameter that is not there has its default.

        Raises
        ------
        ConfigError
            If it is not of this form, a name is unknown, or a value is not allowed.
        """
        if not isinstance(saved, dict) or not set(saved) <= set(_GROUPS):
            raise ConfigError(
                f"Settings are an object of the groups {', '.join(_GROUPS)}. Got {saved!r:.200}."
            )
        found: dict[str, Any] = {}
        for name, group in _GROUPS.items():
            values = saved.get(name)
            if values is None and name != "training":
                continue
            if not isinstance(values, dict):
                raise ConfigError(f"The settings {name!r} must be an object. Got {values!r:.200}.")
            check_names(values, names_of(group), f"the settings {name!r}")
            found[name] = group(**_from_json(values))
        return cls(**found)


def _values(group: Config) -> dict[str, Any]:
    return {name: getattr(group, name) for name in names_of(type(group))}


def _from_json(values: JSON) -> JSON:
    seed = values.get("random_state")
    if seed is not None and (type(seed) is not int or not 0 <= seed < 2**32):
        raise ConfigError(
            f"A saved random_state must be an integer in [0, 2**32) or null. Got {seed!r:.200}."
        )
    weights = values.get("class_weight")
    if weights is None or isinstance(weights, str):
        return values
    if not isinstance(weights, list) or not all(
        isinstance(pair, list)
        and len(pair) == 2
        and isinstance(pair[0], (str, int, float))
        and type(pair[1]) in (int, float)
        for pair in weights
    ):
        raise ConfigError(
            f"A saved class_weight must be a list of pairs of class and weight. Got "
            f"{weights!r:.200}."
        )
    return {**values, "class_weight": dict(map(tuple, weights))}
