#include "recall/halves.hpp"

namespace fieldfare {

namespace {

// Calls work(half, row of it) for every half of every row, in order.
template <class Work>
void each_half(const Halves& halves, const Joined& joined, const Work& work) {
  for (std::int64_t r = 0; r < joined.n; ++r) {
    work(halves.queries, joined.query[r]);
    work(halves.items, joined.item[r]);
  }
}

// Copies, or fills, one of the arrays.
template <class T>
void join_array(const Halves& halves, const Joined& joined, const T* Rows::* array, T missing,
                T* out) {
  each_half(halves, joined, [&](const Rows& half, std::int64_t row) {
    const T* from = half.*array;
    const std::int64_t end = half.indptr[row + 1];
    for (std::int64_t e = half.indptr[row]; e < end; ++e) {
      *out++ = from == nullptr ? missing : from[e];
    }
  });
}

}  // namespace

void join_starts(const Halves& halves, const Joined& joined, std::int64_t* starts) {
  std::int64_t at = 0;
  for (std::int64_t r = 0; r < joined.n; ++r) {
    starts[r] = at;
    const std::int64_t *query = halves.queries.indptr + joined.query[r],
                       *item = halves.items.indptr + joined.item[r];
    at += query[1] - query[0] + item[1] - item[0];
  }
  starts[joined.n] = at;
}

void join_entries(const Halves& halves, const Joined& joined, std::uint32_t* indices, float* values,
                  std::uint16_t* fields) {
  join_array<std::uint32_t>(halves, joined, &Rows::indices, 0, indices);
  if (values != nullptr) join_array<float>(halves, joined, &Rows::values, 1, values);
  if (fields != nullptr) join_array<std::uint16_t>(halves, joined, &Rows::fields, 0, fields);
}

}  // namespace fieldfare
