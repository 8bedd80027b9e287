// How the rows of a table begin: random factors, and optimiser state.
#pragma once

#include <cstdint>
#include <vector>

namespace fieldfare {

// Numbers that lie side by side in each row.
struct Stretch {
  std::int64_t offset = 0, count = 0;  // in the row
  std::int64_t place = 0;              // which of the feature's random numbers is the first
  float scale = 0;                     // standard deviation of random numbers around zero ...
  float value = 0;                     // ... or, where that is zero, what all are set to
};

// Writes the runs of rows first, first + 1, ...; `rows` is that of feature `first`.
void start_rows(float* rows, std::int64_t stride, std::int64_t first, std::int64_t last,
                const std::vector<Stretch>& runs, std::uint64_t seed, std::int64_t n_threads);

}  // namespace fieldfare
