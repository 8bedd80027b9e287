// What all scoring kernels share: samples as they are, and runs of factors held in registers.
#pragma once

#include <type_traits>

#include "isa/simd.hpp"
#include "scoring/job.hpp"

namespace fieldfare::FIELDFARE_ISA {

struct Sample {
  std::int64_t n = 0;
  const std::uint32_t* ids = nullptr;
  const float* values = nullptr;          // or null: all ones
  const std::uint16_t* fields = nullptr;  // kinds that use fields only

  FIELDFARE_INLINE float x(std::int64_t i) const { return values == nullptr ? 1.0F : values[i]; }
};

FIELDFARE_INLINE Sample sample_at(const Rows& rows, std::int64_t row) {
  const std::int64_t begin = rows.indptr[row];
  return {rows.indptr[row + 1] - begin, rows.indices + begin,
          rows.values == nullptr ? nullptr : rows.values + begin,
          rows.fields == nullptr ? nullptr : rows.fields + begin};
}

// Calls work(x) with x(i) the values of a sample: where all are one, they need no reading.
template <class Work>
FIELDFARE_INLINE auto with_values(const Sample& sample, Work work) {
  if (sample.values == nullptr) return work([](std::int64_t) { return 1.0F; });
  return work([values = sample.values](std::int64_t i) { return values[i]; });
}

template <int K>
using Width = std::integral_constant<int, K>;

template <int K>
inline constexpr int lanes_of = K < 4    ? 1
                                : K == 4 ? 4
                                         : 8;

// Adds up run(width, first) over runs of 32, 16, 8, 4 and single factors that together are all k.
template <class Run>
FIELDFARE_INLINE float over_factors(std::int64_t k, Run run) {
  float total = 0;
  std::int64_t at = 0;
  for (; k - at >= 32; at += 32) total += run(Width<32>{}, at);
  if (k - at >= 16) total += run(Width<16>{}, at), at += 16;
  if (k - at >= 8) total += run(Width<8>{}, at), at += 8;
  if (k - at >= 4) total += run(Width<4>{}, at), at += 4;
  for (; at < k; ++at) total += run(Width<1>{}, at);
  return total;
}

}  // namespace fieldfare::FIELDFARE_ISA
