// Sparse matrices: from rows to columns.
#include "common/sparse.hpp"

#include <numeric>

namespace fieldfare {

Sparse transposed(const Sparse& rows, std::int64_t n_columns) {
  Sparse columns;
  columns.start.assign(static_cast<std::size_t>(n_columns + 1), 0);
  for (const std::uint32_t j : rows.index) ++columns.start[j + 1];
  std::partial_sum(columns.start.begin(), columns.start.end(), columns.start.begin());
  columns.index.resize(rows.index.size());
  columns.value.resize(rows.index.size());
  std::vector<std::int64_t> next(columns.start.begin(), columns.start.end() - 1);
  for (std::int64_t i = 0; i + 1 < std::ssize(rows.start); ++i) {
    for (std::int64_t e = rows.start[i]; e < rows.start[i + 1]; ++e) {
      const std::int64_t to = next[rows.index[e]]++;
      columns.index[to] = static_cast<std::uint32_t>(i);
      columns.value[to] = rows.value[e];
    }
  }
  return columns;
}

}  // namespace fieldfare
