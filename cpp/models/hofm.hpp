// The factorization machine of any order.
#pragma once

#include "gradient/rules.hpp"
#include "gradient/stage.hpp"
#include "models/anova.hpp"
#include "models/model.hpp"
#include "scoring/sample.hpp"

namespace fieldfare::FIELDFARE_ISA {

// Every order has factors of its own, or all share theirs: see FactorBlock. The score also computes
// the derivatives of the kernels with respect to p_i = x_i v_i, by the recurrence of the kernels
// backwards (Blondel et al. 2016, algorithm 2): e[t] is the derivative with respect to a[t] as it
// was after entry i, so that p_i gets e[t] times a[t - 1] before entry i. Nothing is divided or
// subtracted, so nothing cancels. Row-wise AdaGrad has one accumulator per block, because the
// orders differ in units and may differ in penalties.
struct HofmTraining : TrainingPolicy {
  const Spec& spec;
  const Layout& layout;
  float* derivatives;  // [n_outputs, n, padded factors], for n entries
  float* met;          // [n, highest order, lanes]

  HofmTraining(const TrainJob& job, float* scratch, std::int32_t*)
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
    for (const FactorBlock& block : spec.factor_blocks) {
      score += with_order(block.highest, [&]<int D>() {
        float kernels = 0;
        std::int64_t d = 0;
        for (; d + 8 <= block.padded; d += 8) kernels += pass<8, D>(sample, block, c, d);
        if (d < block.padded) kernels += pass<4, D>(sample, block, c, d);
        return kernels;
      });
    }
    return score;
  }

  // The kernels of N factors of a block, and their derivatives.
  template <int N, int D>
  float pass(const Staged& sample, const FactorBlock& block, std::int64_t c,
             std::int64_t first) const {
    const std::int64_t n = sample.n, width = layout.padded_factors;
    const std::int64_t at = block.padded_offset + first;
    const std::int64_t in_row = c * layout.output_stride + at;
    float* const out = derivatives + c * n * width + at;
    Anova<N, D> anova(block.highest);
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
      const bool counts = t >= block.lowest;
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
    const Rates all_weights = spec.weights;
    const bool has_linear = spec.linear;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      fetch(i);
      float* row = sample.rows[i] + at;
      const float penalty = sample.rows[i][layout.penalty];
      const Rates weights = all_weights.penalised(penalty);
      const float gx = g * sample.x[i];
      const float* of_entry = derivatives + (c * sample.n + i) * width;
      std::int64_t place = 0;
      for (const FactorBlock& block : spec.factor_blocks) {
        float* v = row + block.padded_offset;
        const float* derivative = of_entry + block.padded_offset;
        const float share = 1.0F / static_cast<float>(block.n_factors);
        const Rates rates = block.rates.penalised(penalty);
        const std::int64_t at_state = state + (Rule::per_weight ? block.padded_offset : place++);
        move<Rule>(v, row + at_state, width, share, rates, [&](auto&& visit) {
          in_lanes(block.padded, [&]<int N>(std::int64_t d) {
            visit.template operator()<N>(d, broadcast<N>(gx) * load<N>(derivative + d));
          });
        });
      }
      if (has_linear) Rule::scalar(row + weight, row + weight + 1, gx, weights);
    }
  }
};

// See Anova. The entries may be in any order, so the kernels of every row can start from those of
// the context. What is kept of it are the a[t], which a scale s multiplies by s^t.
class HofmScoring {
 public:
  explicit HofmScoring(const ScoreJob& job)
      : view_(job.view), spec_(*job.spec), order_(spec_.highest_order()), sums_(job.sums) {}

  void keep(const Sample& sample, std::int64_t c) {
    over_blocks(c,
                [&]<int K, int D>(const Run& run) { return kernels<K, D>(sample, run, 1, true); });
    kept_ = true;
  }

  FIELDFARE_INLINE float of(const Sample& sample, std::int64_t c, float scale) const {
    return over_blocks(
        c, [&]<int K, int D>(const Run& run) { return kernels<K, D>(sample, run, scale, false); });
  }

 private:
  // Some neighbouring factors of one block and output.
  struct Run {
    const FactorBlock& block;
    const float* factors;
    float* kept;  // [orders, K]
  };

  // Adds up work.operator()<K, D>(run) over runs of K factors that together are all factors.
  template <class Work>
  FIELDFARE_INLINE float over_blocks(std::int64_t c, Work work) const {
    float total = 0;
    for (const FactorBlock& block : spec_.factor_blocks) {
      const float* factors = view_.factors + c * view_.factor_output +
                             (view_.padded_blocks ? block.padded_offset : block.offset);
      float* kept = sums_ + (c * view_.k + block.offset) * order_;
      total += with_order(block.highest, [&]<int D>() {
        return over_factors(block.n_factors, [&](auto width, std::int64_t at) {
          return work.template operator()<width.value, D>(
              Run{block, factors + at, kept + at * order_});
        });
      });
    }
    return total;
  }

  // Computes the kernels of K factors, of the sample alone or starting from those kept; or keeps
  // them.
  template <int K, int D>
  float kernels(const Sample& sample, const Run& run, float scale, bool keeps) const {
    constexpr int N = lanes_of<K>;
    float total = 0;
    for (std::int64_t d = 0; d < K; d += N) {
      Anova<N, D> anova(run.block.highest);
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
      for (std::int64_t t = run.block.lowest; t <= anova.order; ++t) sums = sums + anova.a[t];
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

struct Hofm : ModelDefaults {
  static constexpr const char* name = "hofm";
  static constexpr bool has_orders = true;
  using Scoring = HofmScoring;

  static FactorLayout factors(const Spec& spec) {
    const auto n = static_cast<std::int64_t>(spec.factor_blocks.size());
    return {n, spec.padded_length(), spec.padded_length(), n};
  }
  static std::int64_t sum_floats(const Spec& spec, std::int64_t longest) {
    return longest * (spec.n_outputs * spec.padded_length() + spec.highest_order() * 8);
  }
  static std::int64_t context_floats(const ScoreJob& job, std::int64_t /*n*/) {
    return job.spec->n_outputs * job.spec->highest_order() * job.view.k;
  }

  template <class Work>
  static auto with_training(std::int64_t /*k*/, Work work) {
    return work.template operator()<HofmTraining>();
  }
};

}  // namespace fieldfare::FIELDFARE_ISA
