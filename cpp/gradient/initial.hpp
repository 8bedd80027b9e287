// The initial values of the rows of a table: random factors and optimiser state.
#pragma once

#include <cstdint>
#include <vector>

namespace fieldfare {

// Consecutive numbers in each row.
struct Stretch {
  std::int64_t offset = 0, count = 0;  // in the row
  std::int64_t place = 0;              // which of the feature's random numbers is the first
  float scale = 0;                     // standard deviation of random numbers around zero ...
  float value = 0;                     // ... or, if that is zero, the value of all of them
};

// Writes the runs of rows first, first + 1, ...; `rows` is that of feature `first`.
void start_rows(float* rows, std::int64_t stride, std::int64_t first, std::int64_t last,
                const std::vector<Stretch>& runs, std::uint64_t seed, std::int64_t n_threads);

}  // namespace fieldfare
