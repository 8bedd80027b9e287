// Sparse matrices that own their memory, by rows or by columns.
#pragma once

#include <cstdint>
#include <vector>

namespace fieldfare {

struct Sparse {
  std::vector<std::int64_t> start;
  std::vector<std::uint32_t> index;
  std::vector<float> value;
};

// The same matrix by columns; within a column, rows ascend.
Sparse transposed(const Sparse& rows, std::int64_t n_columns);

}  // namespace fieldfare
