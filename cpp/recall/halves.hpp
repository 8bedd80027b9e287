// Rows composed of halves: the entries of a query, then those of an item.
#pragma once

#include <cstdint>

#include "common/rows.hpp"

namespace fieldfare {

struct Halves {
  Rows queries, items;
};

// Which query and which item make each of n rows.
struct Joined {
  const std::int64_t* query = nullptr;
  const std::int64_t* item = nullptr;
  std::int64_t n = 0;
};

// Writes where each row begins, and where the last ends: n + 1 numbers.
void join_starts(const Halves& halves, const Joined& joined, std::int64_t* starts);

// Writes the entries of all rows; `values` and `fields` may be null. The values of a half without
// any are one, and its fields 0.
void join_entries(const Halves& halves, const Joined& joined, std::uint32_t* indices, float* values,
                  std::uint16_t* fields);

}  // namespace fieldfare
