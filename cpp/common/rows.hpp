// Rows: a batch of samples in CSR form, as the kernels see it. Arrays belong to the caller.
#pragma once

#include <cstdint>

namespace fieldfare {

struct Rows {
  std::int64_t n_rows = 0;
  std::int64_t n_entries = 0;              // length of indices, values and fields
  const std::int64_t* indptr = nullptr;    // [n_rows + 1]
  const std::uint32_t* indices = nullptr;  // [n_entries]
  const float* values = nullptr;           // [n_entries], or null: all ones
  const std::uint16_t* fields = nullptr;   // [n_entries], or null: no fields
  const float* target = nullptr;           // [n_rows], or null
  const float* weight = nullptr;           // [n_rows], or null: all ones
};

}  // namespace fieldfare
