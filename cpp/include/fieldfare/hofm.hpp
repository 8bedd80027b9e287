// The factorization machine of any order as it is trained.
#pragma once

#include "fieldfare/anova.hpp"
#include "fieldfare/rules.hpp"
#include "fieldfare/stage.hpp"

namespace fieldfare::FIELDFARE_ISA {

// Every order has factors of its own, or all share theirs: see Part. The score leaves behind the
// derivatives of the kernels in p_i = x_i v_i, by the recurrence of the kernels backwards (Blondel
// et al. 2016, algorithm 2): e[t] is the derivative in a[t] as it was after entry i, so that p_i
// earns e[t] times the a[t - 1] it met. Nothing is divided or subtracted, so nothing cancels.
// Row-wise AdaGrad has one accumulator for each part: orders differ in units, and may differ in
// penalties.
struct Hofm {
  static constexpr bool has_pair_weights = false;
  const Spec& spec;
  const Layout& layout;
  float* derivatives;  // [n_outputs, n, padded factors], for n entries
  float* met;          // [n, highest order, lanes]

  Hofm(const TrainJob& job, float* scratch, std::int32_t*)
      : spec(*job.spec),
        layout(*job.layout),
        derivatives(scratch),
        met(scratch + spec.n_outputs * job.longest * layout.padded_factors) {}

  FIELDFARE_INLINE float score(const Staged& sample, std::int64_t c) const {
    const std::int64_t at = c * layout.output_stride;
    float score = 0;
    for (std::int64_t i = 0; spec.linear && i < sample.n; ++i) {
      score += sample.x[i] * sample.rows[i][at + layout.weight];
    }
    for (const Part& part : spec.parts) {
      score += with_order(part.highest, [&]<int D>() {
        float kernels = 0;
        std::int64_t d = 0;
        for (; d + 8 <= part.padded; d += 8) kernels += pass<8, D>(sample, part, c, d);
        if (d < part.padded) kernels += pass<4, D>(sample, part, c, d);
        return kernels;
      });
    }
    return score;
  }

  // The kernels of N factors of a part, and their derivatives.
  template <int N, int D>
  float pass(const Staged& sample, const Part& part, std::int64_t c, std::int64_t first) const {
    const std::int64_t n = sample.n, width = layout.padded_factors;
    const std::int64_t at = part.padded_offset + first;
    const std::int64_t in_row = c * layout.output_stride + at;
    float* const out = derivatives + c * n * width + at;
    Anova<N, D> anova(part.highest);
    const std::int64_t order = anova.order;
    for (std::int64_t i = 0; i < n; ++i) {
      const Lanes<N> p = load<N>(sample.rows[i] + in_row) * broadcast<N>(sample.x[i]);
      float* here = met + i * order * N;
      store<N>(here, p);
      for (std::int64_t t = 1; t < order; ++t) store<N>(here + t * N, anova.a[t]);
      anova.add(p);
    }
    Lanes<N> total = broadcast<N>(0);
    Lanes<N> e[(D > 0 ? D : max_order) + 1];
    for (std::int64_t t = 1; t <= order; ++t) {
      const bool counts = t >= part.lowest;
      if (counts) total = total + anova.a[t];
      e[t] = broadcast<N>(counts ? 1 : 0);
    }
    for (std::int64_t i = n - 1; i >= 0; --i) {
      const float* here = met + i * order * N;
      const Lanes<N> p = load<N>(here);
      Lanes<N> derivative = e[1];
      for (std::int64_t t = 1; t < order; ++t) {
        derivative = derivative + e[t + 1] * load<N>(here + t * N);
        e[t] = e[t] + e[t + 1] * p;
      }
      store<N>(out + i * width, derivative);
    }
    return sum<N>(total);
  }

  template <class Rule>
  FIELDFARE_INLINE void update(const Staged& sample, std::int64_t c, float g,
                               const Fetch& fetch) const {
    const std::int64_t at = c * layout.output_stride, width = layout.padded_factors;
    const std::int64_t weight = layout.weight, state = layout.factor_state;
    const Rates weights = spec.weights;
    const bool has_linear = spec.linear;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      fetch(i);
      float* row = sample.rows[i] + at;
      const float gx = g * sample.x[i];
      const float* of_entry = derivatives + (c * sample.n + i) * width;
      std::int64_t place = 0;
      for (const Part& part : spec.parts) {
        float* v = row + part.padded_offset;
        const float* derivative = of_entry + part.padded_offset;
        const float share = 1.0F / static_cast<float>(part.n_factors);
        const Rates rates = part.rates;
        const std::int64_t at_state = state + (Rule::per_weight ? part.padded_offset : place++);
        move<Rule>(v, row + at_state, width, share, rates, [&](auto&& visit) {
          in_lanes(part.padded, [&]<int N>(std::int64_t d) {
            visit.template operator()<N>(d, broadcast<N>(gx) * load<N>(derivative + d));
          });
        });
      }
      if (has_linear) Rule::scalar(row + weight, row + weight + 1, gx, weights);
    }
  }
};

}  // namespace fieldfare::FIELDFARE_ISA
