// The arguments of the scoring kernels.
#pragma once

#include <cstdint>

#include "common/rows.hpp"
#include "models/spec.hpp"

namespace fieldfare {

// Where the parameters of a model lie, in a training table or in plain arrays.
struct View {
  std::int64_t n_features = 0;
  const float* bias = nullptr;  // [n_outputs] with stride bias_output
  std::int64_t bias_output = 1;
  const float* weights = nullptr;  // or null: no linear part
  std::int64_t weight_row = 0, weight_output = 0;
  const float* factors = nullptr;  // or null: no factors
  std::int64_t factor_row = 0, factor_output = 0, factor_block = 0;
  bool padded_blocks = false;           // HOFM only
  const float* pair_weights = nullptr;  // FwFM only
  std::int64_t pair_output = 0, pair_row = 0, pair_step = 0;
  std::int64_t k = 0;
};

// One field of a sample as scoring sees it: a feature, or the sum of several.
struct FieldEntry {
  const float* v = nullptr;
  float* sum = nullptr;    // where the sum is, which is then v
  std::int64_t block = 0;  // FFM: offset, in any feature, of the factors towards this field
  float x = 0;
};

struct ScoreJob {
  const Rows* rows = nullptr;
  std::int64_t begin = 0, end = 0;
  const Rows* context = nullptr;  // one row that every row is scored together with, or null
  const Spec* spec = nullptr;
  View view;
  float* out = nullptr;  // [n_rows, n_outputs]
  // Scratch, private to the thread: sums of the context, one per output, and room for one row.
  float* linear = nullptr;
  float* inside = nullptr;
  float* sums = nullptr;
  std::int32_t* place = nullptr;    // [n_fields], of kinds that use fields
  FieldEntry* entries = nullptr;    // [n_outputs, entry_capacity], likewise
  std::int64_t entry_capacity = 0;  // of the longest row and the context
  std::uint32_t* known_ids = nullptr;
  float* known_values = nullptr;
  std::uint16_t* known_fields = nullptr;
};

void score(const ScoreJob& job, std::int64_t n_threads);

}  // namespace fieldfare
