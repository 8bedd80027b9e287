// The arguments and the results of the training kernels.
#pragma once

#include <cstdint>
#include <optional>

#include "common/hot_rows.hpp"
#include "common/rows.hpp"
#include "models/layout.hpp"
#include "models/spec.hpp"

namespace fieldfare {

// Memory for staged samples and for what the models remember of them.
struct Workspace {
  float** rows = nullptr;                // [slots, longest]
  float* x = nullptr;                    // [slots, longest]
  float* score = nullptr;                // [slots, n_outputs]
  float* sums = nullptr;                 // [slots, sum_floats(...)]
  float* spare = nullptr;                // [sum_floats(...)], private to the thread
  std::int32_t* fields = nullptr;        // [slots, field_ints(...)], zero at first
  float* const* padding_rows = nullptr;  // [4]: see PaddingRows, private to the thread
};

struct TrainJob {
  const Rows* rows = nullptr;
  const std::int64_t* order = nullptr;  // [steps, rows_per_step(...)]: row numbers
  std::int64_t begin = 0, end = 0;      // span of steps
  const Spec* spec = nullptr;
  const Layout* layout = nullptr;
  float* table = nullptr;  // [n_features, layout.stride]
  std::int64_t n_features = 0;
  // Parameters that every sample shares, private to the thread, [n_outputs, layout.shared]: the
  // bias and its state, then for an FwFM the weights of the pairs of fields, each with its state,
  // [n_fields, n_fields, 1 + slots], of which the upper triangle is used.
  float* shared = nullptr;
  const float* class_weight = nullptr;  // [n_classes], or null
  std::int64_t n_classes = 0;
  HotRows hot;
  std::int64_t ahead = 1;        // steps staged before they are taken
  std::int64_t longest = 0;      // most entries in a row of the span, in whole fours
  std::int64_t most_fields = 0;  // most fields present in a row, of kinds that use fields
  Workspace work;                // slots for the rows of ahead + 1 steps
};

struct Outcome {
  double loss = 0;                      // sum of weight * loss, each before its own update
  double weight = 0;                    // sum of weights
  std::optional<std::int64_t> bad_row;  // first row refused, any number
};

// Visits the steps of a job in order, on one thread or several.
Outcome train(const TrainJob& job, std::int64_t n_threads);

}  // namespace fieldfare
