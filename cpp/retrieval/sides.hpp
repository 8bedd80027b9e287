// One side of a factorization machine: what the user or the item of each row contributes.
#pragma once

#include <cstdint>

#include "common/rows.hpp"

namespace fieldfare {

struct Sides {
  Rows rows;
  const std::uint8_t* side_of = nullptr;  // [n_keys]: the side of each feature, or of each field
  std::int64_t n_keys = 0;
  bool by_field = false;
  std::uint8_t wanted = 0;  // entries of other sides, and unknown ones, count for nothing
  std::int64_t n_features = 0, k = 0;
  const float* linear = nullptr;   // [n_features]
  const float* factors = nullptr;  // [n_features, k]

  std::int64_t stride = 0;  // of the rows of cross
  double* own = nullptr;    // [n_rows]: the sum of x w, and of <x v, y u> over the pairs
};

// Writes the sum of x v to the first k numbers of each row of cross, in double precision or rounded
// from it. The number of threads changes nothing.
template <class T>
void sum_sides(const Sides& job, T* cross, std::int64_t n_threads);

}  // namespace fieldfare
