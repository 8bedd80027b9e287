// The items with the largest inner products for each query, found by looking at every item.
#pragma once

#include <cstdint>

namespace fieldfare {

// Queries are packed in groups of this size, so that each number of an item is loaded once per
// group.
inline constexpr std::int64_t query_group = 16;

struct Search {
  std::int64_t n_items = 0, n_queries = 0, d = 0;
  const float* items = nullptr;    // [n_items, d]
  const float* queries = nullptr;  // [n_queries, d]

  const std::uint8_t* allowed = nullptr;          // [n_items], 0 for items to leave out; or null
  const std::int64_t* excluded_indptr = nullptr;  // [n_queries + 1]; or null
  const std::uint32_t* excluded = nullptr;        // ascending for each query

  std::int64_t k = 0;
  std::int64_t* ids = nullptr;  // [n_queries, k], -1 where there are too few items
  float* scores = nullptr;      // [n_queries, k], descending; of equal scores the lower id first
};

// The ids do not depend on the number of threads.
void search(const Search& search, std::int64_t n_threads);

// The inner products of chosen items (-1: none, which gives -infinity) with each query.
// [n_queries, width], summed in double precision.
void score_items(const Search& search, const std::int64_t* chosen, std::int64_t width, float* out);

}  // namespace fieldfare
