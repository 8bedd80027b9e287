"""C source that scores one sample: C99, with only the standard library and no allocations.

It contains the parameters as tables, and reads a sample as feature ids, values and fields. The name
of the file is the prefix of all it defines: ``clicks.c`` has ``clicks_score`` and
``clicks_predict``. A file that ends in ``.h`` is a header, whose functions are ``static inline``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fieldfare._files import atomic_write
from fieldfare._typing import AnyArray, PathLike
from fieldfare._version import __version__
from fieldfare.export.decimals import blocks, numbers
from fieldfare.export.packing import Packed, pack
from fieldfare.export.support import check_interactions
from fieldfare.kinds.models import InteractionForm
from fieldfare.models.base import Model

_TYPES = {"float32": "float", "float16": "uint16_t", "int8": "signed char"}


def export_c(model: Model, path: PathLike, *, quantize: str | None = None) -> None:
    """Write a model as C source that scores one sample.

    Parameters
    ----------
    model : Model
        Of any kind.
    path : path
        File to write or replace, atomically. Its name is the prefix of the functions' names. With
        the extension ``.h`` they are ``static inline``.
    quantize : {"fp16", "int8"}, optional
        Type in which weights are stored. The arithmetic uses double and float in any case.

    Raises
    ------
    ConfigError
        If ``quantize`` is not allowed, or a weight does not fit into float16.
    OSError
        If the file cannot be written.
    """
    check_interactions(model, "The C export", _INTERACTIONS)
    target = Path(path)
    prefix = re.sub(r"\W", "_", target.stem, flags=re.ASCII)
    # An identifier must not begin with a digit.
    prefix = f"model_{prefix}" if not prefix or prefix[0].isdigit() else prefix
    packed = pack(model, quantize)
    is_header = target.suffix.lower() == ".h"
    with atomic_write(path) as file:
        for text in _source(model, packed, prefix, is_header):
            file.write(text.encode())


def _source(model: Model, packed: dict[str, Packed], prefix: str, is_header: bool) -> Iterator[str]:
    config = model.config
    guard = f"{prefix.upper()}_H"
    yield _HEAD.format(
        version=__version__,
        kind=model.kind,
        task=config.task,
        prefix=prefix,
        needs_fields="needed" if model.uses_fields else "not used, may be NULL",
    )
    if is_header:
        yield f"#ifndef {guard}\n#define {guard}\n\n"
    yield "#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n\n"
    sizes = {
        "FEATURES": model.n_features,
        "FIELDS": model.n_fields,
        "OUTPUTS": model.n_outputs,
        "FACTORS": config.total_factors,
    }
    yield "".join(f"#define {prefix.upper()}_{name} {n}\n" for name, n in sizes.items()) + "\n"
    for name, array in packed.items():
        yield from _table(f"{prefix}_{name}", array.data)
        if array.scale is not None:
            yield from _table(f"{prefix}_{name}_scale", array.scale)
    if any(array.data.dtype == np.float16 for array in packed.values()):
        yield _HALF.replace("@", prefix)
    yield _functions(model, packed, prefix, "static inline " if is_header else "")
    if is_header:
        yield f"\n#endif /* {guard} */\n"


def _table(name: str, array: AnyArray) -> Iterator[str]:
    flat = array.reshape(len(array), -1)
    # C has no empty arrays: one of size zero becomes a single 0.
    yield f"static const {_TYPES[array.dtype.name]} {name}[{max(array.size, 1)}] = {{\n"
    if not array.size:
        yield "0\n"
    for block in blocks(len(flat)):
        part = flat[block.start : block.stop]
        if part.dtype == np.float32:
            lines = [text.replace(" ", "f, ") + "f,\n" for text in numbers(part)]
        else:
            # C99 has no half-precision type, so float16 is written as its bits.
            integers = part.view(np.uint16) if part.dtype == np.float16 else part
            lines = [", ".join(map(str, row)) + ",\n" for row in integers.tolist()]
        yield "".join(lines)
    yield "};\n\n"


def _functions(model: Model, packed: dict[str, Packed], prefix: str, linkage: str) -> str:
    """Return the functions; in the templates ``@`` stands for the prefix."""
    code = "".join(_reader(name, array) for name, array in packed.items())
    code += _KNOWN_FIELDS if model.uses_fields else _KNOWN
    code += _length(model)
    interactions = _INTERACTIONS[model.traits.interactions](model)
    code += _SCORE_BEGIN + interactions + _SCORE_END + _LINKS[model.config.task]
    code = code.replace("LINKAGE ", linkage)
    # In one pass, because the prefix may be a word of the templates.
    return re.sub(
        r"N_(FEATURES|FIELDS|OUTPUTS|FACTORS)\b|@",
        lambda found: prefix if found[0] == "@" else f"{prefix.upper()}_{found[1]}",
        code,
    )


def _reader(name: str, array: Packed) -> str:
    """Return the function that reads one stored number as a float."""
    number = f"@_{name}[i]"
    if array.data.dtype == np.float16:
        number = f"@_half({number})"
    if array.scale is not None:
        # One scale serves the numbers of one feature and output.
        number += f" * @_{name}_scale[i / {array.data[:1].size // array.scale.shape[1]}]"
    return f"static inline float @_get_{name}(size_t i) {{\n  return {number};\n}}\n\n"


def _length(model: Model) -> str:
    """Return the function by which values are multiplied so that the sample has unit length."""
    if not model.config.instance_norm:
        return _NO_LENGTH
    counted = "" if model.config.norm_unknown else "if (@_known(ids, fields, i)) "
    return _LENGTH.replace("COUNTED ", counted)


def _hofm(model: Model) -> str:
    """Return the loops over the ANOVA kernels of each block (Blondel et al. 2016, algorithm 1)."""
    begin, code = 0, ""
    for part in model.config.factor_blocks:
        end = begin + part.n_factors
        code += (
            _HOFM.replace("BEGIN", str(begin))
            .replace("END", str(end))
            .replace("LOWEST", str(part.lowest))
            .replace("HIGHEST", str(part.highest))
        )
        begin = end
    return code


_HEAD = """\
/* Written by fieldfare {version}: a model of kind {kind}, task {task}.
 *
 * {prefix}_score(ids, values, fields, n, out) writes the raw scores of one sample to out, and
 * {prefix}_predict the predictions: a number, a probability, or one probability per class.
 * ids: n feature ids; those that the model does not know are ignored. values: their values, or NULL
 * if all are one. fields: their fields ({needs_fields}).
 */
"""

_HALF = """\
/* The bits of a half, moved to their places in a float, encode its value times 2^-112. */
static inline float @_half(uint16_t half) {
  const uint32_t bits = (uint32_t)(half & 0x7fff) << 13;
  float size;
  memcpy(&size, &bits, sizeof size);
  size *= 0x1p112f;
  return half & 0x8000 ? -size : size;
}

"""

_KNOWN = """\
static inline int @_known(const uint32_t *ids, const uint16_t *fields, size_t i) {
  (void)fields;
  return ids[i] < N_FEATURES;
}

"""

_KNOWN_FIELDS = """\
static inline int @_known(const uint32_t *ids, const uint16_t *fields, size_t i) {
  return ids[i] < N_FEATURES && fields[i] < N_FIELDS;
}

"""

_NO_LENGTH = """\
static inline double @_unit(const uint32_t *ids, const float *values, const uint16_t *fields,
                            size_t n) {
  (void)ids, (void)values, (void)fields, (void)n;
  return 1.0;
}

"""

_LENGTH = """\
static inline double @_unit(const uint32_t *ids, const float *values, const uint16_t *fields,
                            size_t n) {
  (void)ids, (void)fields;
  double squares = 0.0;
  for (size_t i = 0; i < n; ++i) {
    const double x = values ? values[i] : 1.0;
    COUNTED squares += x * x;
  }
  return squares > 0.0 ? 1.0 / sqrt(squares) : 1.0;
}

"""

_SCORE_BEGIN = """\
LINKAGE void @_score(const uint32_t *ids, const float *values, const uint16_t *fields, size_t n,
             float *out) {
  const double unit = @_unit(ids, values, fields, n);
  for (size_t c = 0; c < N_OUTPUTS; ++c) {
    double score = @_get_bias(c);
    for (size_t i = 0; i < n; ++i) {
      if (!@_known(ids, fields, i)) continue;
      score += unit * (values ? values[i] : 1.0f) * @_get_linear((size_t)ids[i] * N_OUTPUTS + c);
    }
"""

_FM = """\
    double sums[N_FACTORS] = {0.0}, squares = 0.0;
    for (size_t i = 0; i < n; ++i) {
      if (!@_known(ids, fields, i)) continue;
      const double x = unit * (values ? values[i] : 1.0f);
      const size_t v = ((size_t)ids[i] * N_OUTPUTS + c) * N_FACTORS;
      for (size_t f = 0; f < N_FACTORS; ++f) {
        const double p = x * @_get_factors(v + f);
        sums[f] += p;
        squares += p * p;
      }
    }
    double pairs = -squares;
    for (size_t f = 0; f < N_FACTORS; ++f) pairs += sums[f] * sums[f];
    score += 0.5 * pairs;
"""

_PAIRS = """\
    for (size_t i = 0; i < n; ++i) {
      if (!@_known(ids, fields, i)) continue;
      for (size_t j = i + 1; j < n; ++j) {
        if (!@_known(ids, fields, j)) continue;
        const double x = unit * unit * (values ? (double)values[i] * values[j] : 1.0);
        const size_t v = VECTOR_I, w = VECTOR_J;
        double product = 0.0;
        for (size_t f = 0; f < N_FACTORS; ++f) {
          product += (double)@_get_factors(v + f) * @_get_factors(w + f);
        }
        score += WEIGHTx * product;
      }
    }
"""

_FFM = (
    _PAIRS.replace(
        "VECTOR_I", "(((size_t)ids[i] * N_OUTPUTS + c) * N_FIELDS + fields[j]) * N_FACTORS"
    )
    .replace("VECTOR_J", "(((size_t)ids[j] * N_OUTPUTS + c) * N_FIELDS + fields[i]) * N_FACTORS")
    .replace("WEIGHT", "")
)

_FWFM = (
    _PAIRS.replace("VECTOR_I", "((size_t)ids[i] * N_OUTPUTS + c) * N_FACTORS")
    .replace("VECTOR_J", "((size_t)ids[j] * N_OUTPUTS + c) * N_FACTORS")
    .replace("WEIGHT", "@_get_pair_weights((c * N_FIELDS + fields[i]) * N_FIELDS + fields[j]) * ")
)

_HOFM = """\
    for (size_t f = BEGIN; f < END; ++f) {
      double kernels[HIGHEST + 1] = {1.0};
      for (size_t i = 0; i < n; ++i) {
        if (!@_known(ids, fields, i)) continue;
        const size_t v = ((size_t)ids[i] * N_OUTPUTS + c) * N_FACTORS;
        const double p = unit * (values ? values[i] : 1.0f) * @_get_factors(v + f);
        for (size_t t = HIGHEST; t > 0; --t) kernels[t] += kernels[t - 1] * p;
      }
      for (size_t t = LOWEST; t <= HIGHEST; ++t) score += kernels[t];
    }
"""

_INTERACTIONS = {
    InteractionForm.NONE: lambda model: "",
    InteractionForm.PAIRS: lambda model: _FM,
    InteractionForm.FIELD_AWARE: lambda model: _FFM,
    InteractionForm.FIELD_WEIGHTED: lambda model: _FWFM,
    InteractionForm.ALL_ORDERS: _hofm,
}

_SCORE_END = """\
    out[c] = (float)score;
  }
}

LINKAGE void @_predict(const uint32_t *ids, const float *values, const uint16_t *fields, size_t n,
               float *out) {
  @_score(ids, values, fields, n, out);
"""

_LINKS = {
    "regression": "}\n",
    "rank": "}\n",
    "binary": """\
  const double e = exp(-fabs((double)out[0]));
  out[0] = (float)((out[0] >= 0.0f ? 1.0 : e) / (1.0 + e));
}
""",
    "multiclass": """\
  double largest = out[0], sum = 0.0;
  for (size_t c = 1; c < N_OUTPUTS; ++c) largest = out[c] > largest ? out[c] : largest;
  for (size_t c = 0; c < N_OUTPUTS; ++c) sum += exp(out[c] - largest);
  for (size_t c = 0; c < N_OUTPUTS; ++c) out[c] = (float)(exp(out[c] - largest) / sum);
}
""",
}
