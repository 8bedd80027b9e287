from collections.abc import Sequence
from typing import Any

from fieldfare._typing import (
    AnyArray,
    Float32Array,
    Float64Array,
    Int64Array,
    UInt16Array,
    UInt32Array,
)

class Rows:
    def __init__(
        self,
        indptr: Int64Array,
        indices: UInt32Array,
        values: Float32Array | None,
        fields: UInt16Array | None,
        target: Float32Array | None,
        weight: Float32Array | None,
    ) -> None: ...

class Layout:
    stride: int
    used: int
    output_stride: int
    padded_factors: int
    blocks: int
    factor_state: int
    weight: int
    penalty: int
    slots: int
    shared: int
    sums_squares: bool
    state_per_weight: bool

class Spec:
    def __init__(
        self,
        kind: str,
        loss: str,
        rule: str,
        n_outputs: int,
        n_factors: int,
        n_fields: int,
        intercept: bool,
        linear: bool,
        instance_norm: bool,
        norm_unknown: bool,
        factor_blocks: Sequence[tuple[int, int, int]],
    ) -> None: ...
    def set_rates(
        self,
        bias: tuple[float, float, float, float],
        weights: tuple[float, float, float, float],
        factors: Sequence[tuple[float, float, float, float]],
        pairs: tuple[float, float, float, float],
    ) -> None: ...
    def layout(self) -> Layout: ...

def padded_factors(n_factors: int) -> int: ...
def kinds() -> list[str]: ...
def losses() -> list[str]: ...
def rules() -> list[str]: ...

class SweepParameters:
    def __init__(
        self,
        bias: Float32Array | None,
        linear: Float32Array | None,
        factors: Float32Array | None,
        orders: UInt32Array | None,
    ) -> None: ...

class Prior:
    def __init__(
        self,
        group: UInt32Array | None,
        precision: Float32Array,
        mean: Float32Array,
        multiplier: Float32Array | None,
        bias_precision: float,
    ) -> None: ...

class Observed:
    def __init__(
        self,
        residual: Float32Array,
        target: Float32Array,
        label: Float32Array | None,
        weight: Float32Array | None,
        precision: float,
    ) -> None: ...

class Design:
    n_rows: int
    n_features: int
    def describe(self) -> list[tuple[str, int, int]]: ...
    def count_rows(self, out: Float32Array) -> None: ...
    def sweep(
        self,
        parameters: SweepParameters,
        prior: Prior,
        observed: Observed,
        key: int | None,
        n_threads: int,
    ) -> bool: ...
    def score(self, parameters: SweepParameters, out: Float32Array, n_threads: int) -> None: ...

def draw_latent(
    scores: Float32Array,
    labels: AnyArray,
    cutpoints: AnyArray,
    key: int,
    out: Float32Array,
    n_threads: int,
) -> None: ...
def ordinal_likelihood(
    scores: Float32Array,
    labels: AnyArray,
    cutpoints: AnyArray,
    gradient: AnyArray,
    second: AnyArray,
    n_threads: int,
) -> float: ...
def class_probabilities(
    scores: Float32Array, cutpoints: AnyArray, out: AnyArray, n_threads: int
) -> None: ...
def normal_quantile(p: float) -> float: ...
def make_design(
    rows: Rows,
    codes: Sequence[UInt32Array],
    sides: Sequence[Rows],
    order: Int64Array | None,
    n_features: int,
    normalised: bool,
) -> Design | tuple[int, str]: ...
def adaptive_epoch(
    rows: Rows,
    weight: Float32Array | None,
    train: Int64Array,
    held_out: Int64Array,
    bias: Float32Array | None,
    linear: Float32Array | None,
    factors: Float32Array | None,
    penalties: AnyArray,
    times: Float32Array | None,
    rates: AnyArray,
    n_features: int,
    logistic: bool,
    normalised: bool,
) -> float | tuple[int]: ...

class Scorer:
    def __init__(
        self,
        spec: Spec,
        bias: Float32Array,
        weights: Float32Array | None,
        factors: Float32Array | None,
        pair_weights: Float32Array | None,
        n_features: int,
    ) -> None: ...
    def score(self, rows: Rows, context: Rows | None, out: AnyArray, n_threads: int) -> None: ...
    def score_one(
        self, ids: list[int], values: list[float], fields: list[int] | None
    ) -> list[float]: ...

def train(
    spec: Spec,
    table: Float32Array,
    shared: Float32Array,
    rows: Rows,
    order: Int64Array,
    class_weight: Float32Array | None,
    n_threads: int,
) -> tuple[float, float, int | None]: ...
def shuffle(order: Int64Array, seed: int) -> None: ...
def train_pairs(
    spec: Spec,
    table: Float32Array,
    shared: Float32Array,
    rows: Rows,
    pairs: Int64Array,
    n_threads: int,
) -> tuple[float, float, int | None]: ...
def start_rows(
    rows: AnyArray,
    first: int,
    runs: Sequence[tuple[int, int, int, float, float]],
    seed: int,
    n_threads: int,
) -> None: ...
def instruction_sets() -> list[str]: ...
def instruction_set() -> str: ...
def use_instruction_set(name: str) -> None: ...
def parse_text(
    buffer: AnyArray, has_fields: bool, has_target: bool, has_group: bool
) -> tuple[Any, ...]: ...
def format_numbers(values: AnyArray, separator: str) -> bytes: ...
def format_text(
    indptr: Int64Array,
    indices: UInt32Array,
    values: Float32Array | None,
    fields: UInt16Array | None,
    target: Float32Array | None,
    weight: Float32Array | None,
    group: Int64Array | None,
) -> bytes: ...
def search_items(
    items: Float32Array,
    queries: Float32Array,
    allowed: AnyArray | None,
    indptr: Int64Array | None,
    excluded: UInt32Array | None,
    ids: Int64Array,
    scores: Float32Array,
    n_threads: int,
) -> None: ...
def score_items(
    items: Float32Array, queries: Float32Array, chosen: Int64Array, out: Float32Array
) -> None: ...
def sum_sides(
    indptr: Int64Array,
    indices: UInt32Array,
    values: Float32Array | None,
    fields: UInt16Array | None,
    side_of: AnyArray,
    by_field: bool,
    wanted: int,
    linear: Float32Array,
    factors: Float32Array,
    cross: AnyArray,
    own: Float64Array,
    n_threads: int,
) -> None: ...
def note_fields(field_of: UInt16Array, indices: UInt32Array, fields: UInt16Array) -> None: ...
def watch_mapping(mapped: AnyArray) -> int: ...
def is_torn(watch: int) -> bool: ...
def unwatch_mapping(watch: int) -> None: ...

class Words:
    def __init__(self, blob: AnyArray, offsets: Int64Array) -> None: ...
    def find(self, blob: AnyArray, offsets: AnyArray, out: Int64Array) -> None: ...

def recall_stride(k: int) -> int: ...

class Halves:
    def __init__(self, queries: Rows, items: Rows) -> None: ...
    def starts(self, query: Int64Array, item: Int64Array, starts: Int64Array) -> None: ...
    def entries(
        self,
        query: Int64Array,
        item: Int64Array,
        indices: UInt32Array,
        values: Float32Array | None,
        fields: UInt16Array | None,
    ) -> None: ...

class RecallSettings:
    def __init__(
        self, k: int, unobserved: float, linear: bool, first_free: int, steps: int
    ) -> None: ...

class RecallSide:
    def __init__(
        self,
        start: Int64Array,
        index: UInt32Array,
        value: Float32Array,
        n_features: int,
        seen_start: Int64Array,
        seen_index: UInt32Array,
        seen_weight: Float32Array,
        n_partners: int,
        items: bool,
        share: Float32Array,
        partner_share: Float32Array,
    ) -> None: ...
    def vectors(
        self, parameters: Float32Array, k: int, out: Float32Array, n_threads: int
    ) -> None: ...
    def solve(
        self,
        parameters: Float32Array,
        own: Float32Array,
        partners: Float32Array,
        penalty: Float32Array,
        settings: RecallSettings,
        n_threads: int,
    ) -> float: ...
