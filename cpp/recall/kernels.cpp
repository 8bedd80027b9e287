// The products over rows of the non-sampled solver. Compiled once per instruction set, under the
// namespace FIELDFARE_ISA.
#include "isa/kernels.hpp"
#include "isa/simd.hpp"
#include "recall/recall.hpp"

namespace fieldfare::FIELDFARE_ISA {

namespace {

// to[d] += a * x[d]^2
FIELDFARE_INLINE void add_squares(float* to, float a, const float* x, std::int64_t n) {
  for (std::int64_t d = 0; d < n; d += 8) {
    const Lanes<8> lanes = load<8>(x + d);
    store<8>(to + d, load<8>(to + d) + broadcast<8>(a) * lanes * lanes);
  }
}

FIELDFARE_INLINE void clear(float* to, std::int64_t n) {
  for (std::int64_t d = 0; d < n; ++d) to[d] = 0;
}

}  // namespace

void combine(const SparseView& rows, const float* in, float* out, std::int64_t stride,
             std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    float* to = out + i * stride;
    clear(to, stride);
    for (std::int64_t e = rows.start[i]; e < rows.start[i + 1]; ++e) {
      add_scaled<0>(to, rows.value[e], in + rows.index[e] * stride, stride);
    }
  }
}

void weigh(const WeighJob& job, std::int64_t begin, std::int64_t end) {
  const std::int64_t stride = job.stride;
  for (std::int64_t i = begin; i < end; ++i) {
    const float* in = job.in + i * stride;
    float* out = job.out + i * stride;
    float* diagonal = job.diagonal == nullptr ? nullptr : job.diagonal + i * stride;
    const float unobserved = job.unobserved * job.share[i];
    clear(out, stride);
    if (job.gram != nullptr) {
      for (std::int64_t d = 0; d < job.width; ++d) {
        add_scaled<0>(out, unobserved * in[d], job.gram + d * stride, stride);
      }
    }
    if (diagonal != nullptr) {
      clear(diagonal, stride);
      for (std::int64_t d = 0; job.gram != nullptr && d < job.width; ++d) {
        diagonal[d] = unobserved * job.gram[d * stride + d];
      }
    }
    double observed = 0;
    for (std::int64_t e = job.seen.start[i]; e < job.seen.start[i + 1]; ++e) {
      const std::uint32_t u = job.seen.index[e];
      const float* partner = job.partners + u * stride;
      const float c = job.seen.value[e], score = dot<0>(partner, in, stride);
      const float beyond = c - unobserved * job.partner_share[u];
      observed += static_cast<double>(c) * score;
      add_scaled<0>(out, beyond * score - c * job.target, partner, stride);
      if (diagonal != nullptr) add_squares(diagonal, beyond, partner, stride);
    }
    if (job.observed != nullptr) job.observed[i] = observed;
  }
}

void add_gram(const float* rows, const float* share, std::int64_t n, std::int64_t width,
              std::int64_t stride, float* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float* row = rows + i * stride;
    for (std::int64_t d = 0; d < width; ++d) {
      add_scaled<0>(out + d * stride, share[i] * row[d], row, stride);
    }
  }
}

}  // namespace fieldfare::FIELDFARE_ISA
