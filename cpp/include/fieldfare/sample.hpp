// One sample, checked before anything is read through its ids.
#pragma once

#include "fieldfare/kernels.hpp"
#include "fieldfare/simd.hpp"

namespace fieldfare::FIELDFARE_ISA {

struct Sample {
  std::int64_t n = 0;
  const std::uint32_t* ids = nullptr;
  const float* values = nullptr;          // or null: all ones
  const std::uint16_t* fields = nullptr;  // models that use fields only
  float scale = 1;                        // 1 / Euclidean length, with instance normalisation

  FIELDFARE_INLINE float x(std::int64_t i) const {
    return values == nullptr ? scale : scale * values[i];
  }
};

FIELDFARE_INLINE bool row_in_bounds(const Rows& rows, std::int64_t row) {
  if (row < 0 || row >= rows.n_rows) return false;
  const std::int64_t begin = rows.indptr[row], end = rows.indptr[row + 1];
  return begin >= 0 && begin <= end && end <= rows.n_entries;
}

// Whether every id of a row (already in bounds) is one that the tables have.
FIELDFARE_INLINE bool ids_in_bounds(const Rows& rows, std::int64_t row, const Spec& spec,
                                    std::int64_t n_features) {
  bool bad = false;
  for (std::int64_t p = rows.indptr[row]; p < rows.indptr[row + 1]; ++p) {
    bad |= static_cast<std::int64_t>(rows.indices[p]) >= n_features;
  }
  if (uses_fields(spec.kind)) {
    for (std::int64_t p = rows.indptr[row]; p < rows.indptr[row + 1]; ++p) {
      bad |= static_cast<std::int64_t>(rows.fields[p]) >= spec.n_fields;
    }
  }
  return !bad;
}

FIELDFARE_INLINE Sample sample_at(const Rows& rows, std::int64_t row, const Spec& spec) {
  const std::int64_t begin = rows.indptr[row];
  Sample sample;
  sample.n = rows.indptr[row + 1] - begin;
  sample.ids = rows.indices + begin;
  sample.values = rows.values == nullptr ? nullptr : rows.values + begin;
  sample.fields = rows.fields == nullptr ? nullptr : rows.fields + begin;
  if (spec.instance_norm) {
    float squares = sample.values == nullptr ? static_cast<float>(sample.n) : 0.0F;
    if (sample.values != nullptr) {
      for (std::int64_t i = 0; i < sample.n; ++i) squares += sample.values[i] * sample.values[i];
    }
    sample.scale = squares > 0 ? 1.0F / std::sqrt(squares) : 0.0F;
  }
  return sample;
}

}  // namespace fieldfare::FIELDFARE_ISA
