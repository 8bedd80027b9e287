// The interactions of a factorization machine of any order, as they are scored.
#pragma once

#include "fieldfare/anova.hpp"
#include "fieldfare/scored.hpp"

namespace fieldfare::FIELDFARE_ISA {

// See Anova. Entries may come in any order, so the kernels of a context are where those of every
// row begin: what is kept of it are the a[t], which a scale s multiplies by s^t.
class HofmKernels {
 public:
  explicit HofmKernels(const ScoreJob& job)
      : view_(job.view), spec_(*job.spec), order_(spec_.highest_order()), sums_(job.sums) {}

  void keep(const Sample& sample, std::int64_t c) {
    over_parts(c,
               [&]<int K, int D>(const Run& run) { return kernels<K, D>(sample, run, 1, true); });
    kept_ = true;
  }

  FIELDFARE_INLINE float of(const Sample& sample, std::int64_t c, float scale) const {
    return over_parts(
        c, [&]<int K, int D>(const Run& run) { return kernels<K, D>(sample, run, scale, false); });
  }

 private:
  // Some neighbouring factors of one part and output.
  struct Run {
    const Part& part;
    const float* factors;
    float* kept;  // [orders, K]
  };

  // Adds up work.operator()<K, D>(run) over runs of K factors that make up all.
  template <class Work>
  FIELDFARE_INLINE float over_parts(std::int64_t c, Work work) const {
    float total = 0;
    for (const Part& part : spec_.parts) {
      const float* factors = view_.factors + c * view_.factor_output +
                             (view_.padded_parts ? part.padded_offset : part.offset);
      float* kept = sums_ + (c * view_.k + part.offset) * order_;
      total += with_order(part.highest, [&]<int D>() {
        return over_factors(part.n_factors, [&](auto width, std::int64_t at) {
          return work.template operator()<width.value, D>(
              Run{part, factors + at, kept + at * order_});
        });
      });
    }
    return total;
  }

  // The kernels of K factors, of the sample alone or on top of those kept; or keeps them.
  template <int K, int D>
  float kernels(const Sample& sample, const Run& run, float scale, bool keeps) const {
    constexpr int N = lanes_of<K>;
    float total = 0;
    for (std::int64_t d = 0; d < K; d += N) {
      Anova<N, D> anova(run.part.highest);
      float power = scale;
      for (std::int64_t t = 1; kept_ && !keeps && t <= anova.order; ++t, power *= scale) {
        anova.a[t] = load<N>(run.kept + (t - 1) * K + d) * broadcast<N>(power);
      }
      for (std::int64_t i = 0; i < sample.n; ++i) {
        const auto row = static_cast<std::int64_t>(sample.ids[i]) * view_.factor_row;
        anova.add(load<N>(run.factors + row + d) * broadcast<N>(scale * sample.x(i)));
      }
      for (std::int64_t t = 1; keeps && t <= anova.order; ++t) {
        store<N>(run.kept + (t - 1) * K + d, anova.a[t]);
      }
      Lanes<N> sums = broadcast<N>(0);
      for (std::int64_t t = run.part.lowest; t <= anova.order; ++t) sums = sums + anova.a[t];
      total += sum<N>(sums);
    }
    return total;
  }

  const View& view_;
  const Spec& spec_;
  std::int64_t order_;
  float* sums_;  // [n_outputs, k, highest order]: the kernels of the context
  bool kept_ = false;
};

}  // namespace fieldfare::FIELDFARE_ISA
