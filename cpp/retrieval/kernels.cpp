// Inner products of items with queries, several at a time. Compiled once per instruction set.
#include "isa/kernels.hpp"
#include "isa/simd.hpp"
#include "retrieval/topk.hpp"

namespace fieldfare::FIELDFARE_ISA {

// Four sums at a time hide the latency of the additions.
void inner_products(const float* items, std::int64_t n, const float* query, std::int64_t d,
                    float* out) {
  constexpr int N = 8, together = 4;
  const std::int64_t whole = d / N * N;
  std::int64_t i = 0;
  for (; i + together <= n; i += together) {
    const float* item = items + i * d;
    Lanes<N> total[together];
    for (Lanes<N>& lanes : total) lanes = broadcast<N>(0);
    for (std::int64_t j = 0; j < whole; j += N) {
      const Lanes<N> q = load<N>(query + j);
      for (int t = 0; t < together; ++t) total[t] = total[t] + load<N>(item + t * d + j) * q;
    }
    for (int t = 0; t < together; ++t) {
      float rest = 0;
      for (std::int64_t j = whole; j < d; ++j) rest += item[t * d + j] * query[j];
      out[i + t] = sum<N>(total[t]) + rest;
    }
  }
  for (; i < n; ++i) out[i] = dot<0>(items + i * d, query, d);
}

namespace {

// Lanes hold queries, so that nothing is ever summed across them.
template <int Items>
FIELDFARE_INLINE void block(const float* items, const float* packed, std::int64_t d, float* out) {
  constexpr int N = 8, parts = query_group / N;
  Lanes<N> total[Items][parts];
  for (auto& row : total) {
    for (Lanes<N>& lanes : row) lanes = broadcast<N>(0);
  }
  for (std::int64_t j = 0; j < d; ++j) {
    Lanes<N> q[parts];
    for (int p = 0; p < parts; ++p)
      q[p] = load<N>(packed + j * query_group + std::ptrdiff_t{p} * N);
    for (int i = 0; i < Items; ++i) {
      const Lanes<N> x = broadcast<N>(items[i * d + j]);
      for (int p = 0; p < parts; ++p) total[i][p] = total[i][p] + x * q[p];
    }
  }
  for (int i = 0; i < Items; ++i) {
    for (int p = 0; p < parts; ++p)
      store<N>(out + std::ptrdiff_t{i} * query_group + std::ptrdiff_t{p} * N, total[i][p]);
  }
}

}  // namespace

void grouped_products(const float* items, std::int64_t n, const float* packed, std::int64_t d,
                      float* out) {
  std::int64_t i = 0;
  for (; i + 6 <= n; i += 6) block<6>(items + i * d, packed, d, out + i * query_group);
  for (; i < n; ++i) block<1>(items + i * d, packed, d, out + i * query_group);
}

bool any_above(const float* numbers, const float* bounds, std::int64_t n) {
  int found = 0;
  for (std::int64_t i = 0; i < n; ++i) found |= static_cast<int>(numbers[i] > bounds[i]);
  return found != 0;
}

}  // namespace fieldfare::FIELDFARE_ISA
