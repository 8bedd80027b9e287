// The factorization machine.
#pragma once

#include "gradient/rules.hpp"
#include "gradient/stage.hpp"
#include "models/model.hpp"
#include "scoring/sample.hpp"

namespace fieldfare::FIELDFARE_ISA {

// Rendle 2010, eq. 1, in linear time by lemma 3.1:
//   sum_{i<j} <v_i, v_j> x_i x_j = 1/2 (|S|^2 - sum_i x_i^2 |v_i|^2),  S = sum_i x_i v_i.
// The gradient of v_i is x_i (S - x_i v_i).
template <int K>
struct FmTraining : TrainingPolicy {
  static constexpr int N = lanes_for<K>;
  const Spec& spec;
  const Layout& layout;
  float* sums;  // S, [n_outputs, padded k]
  float* const* padding_rows;

  FmTraining(const TrainJob& job, float* scratch, std::int32_t*)
      : spec(*job.spec), layout(*job.layout), sums(scratch), padding_rows(job.work.padding_rows) {}

  FIELDFARE_INLINE float score(const Staged& sample, std::int64_t c) const {
    return sample.same && sample.n > 0 ? add_up<true>(sample, c) : add_up<false>(sample, c);
  }

  // Sums up S and returns the score. Where all x are the same, S is theirs times a sum of vectors.
  template <bool Same>
  FIELDFARE_INLINE float add_up(const Staged& sample, std::int64_t c) const {
    const std::int64_t k = length<K>(layout.padded_factors), at = c * layout.output_stride;
    // Without a linear part, some other float is read in its place and left out in the end.
    const std::int64_t weight = at + (spec.linear ? layout.weight : 0);
    const float scale = Same ? sample.x[0] : 1.0F;
    float* const s = sums + c * k;
    // Several sums of each kind, so that an addition need not wait for the one before.
    Lanes<N> squares[2] = {broadcast<N>(0), broadcast<N>(0)};
    float weights[4] = {0, 0, 0, 0};
    const auto term = [&](std::int64_t i, std::int64_t d, int side = 0) {
      Lanes<N> vx = load<N>(sample.rows[i] + at + d);
      if constexpr (!Same) vx = vx * broadcast<N>(sample.x[i]);
      squares[side] = squares[side] + vx * vx;
      return vx;
    };
    const auto weigh = [&](std::int64_t i, int side) {
      const float w = sample.rows[i][weight];
      weights[side] += Same ? w : sample.x[i] * w;
    };
    if constexpr (K > 0) {
      Lanes<N> vectors[2][K / N];
      for (auto& side : vectors) {
        for (Lanes<N>& lanes : side) lanes = broadcast<N>(0);
      }
      std::int64_t i = 0;
      for (; i + 4 <= sample.n; i += 4) {
        for (int e = 0; e < 4; ++e) {
          for (std::int64_t d = 0; d < K / N; ++d) {
            vectors[e % 2][d] = vectors[e % 2][d] + term(i + e, d * N, e % 2);
          }
          weigh(i + e, e);
        }
      }
      for (; i < sample.n; ++i) {
        for (std::int64_t d = 0; d < K / N; ++d) vectors[0][d] = vectors[0][d] + term(i, d * N);
        weigh(i, 0);
      }
      for (std::int64_t d = 0; d < K / N; ++d) {
        store<N>(s + d * N, broadcast<N>(scale) * (vectors[0][d] + vectors[1][d]));
      }
    } else {
      for (std::int64_t d = 0; d < k; d += N) store<N>(s + d, broadcast<N>(0));
      for (std::int64_t i = 0; i < sample.n; ++i) {
        for (std::int64_t d = 0; d < k; d += N) store<N>(s + d, load<N>(s + d) + term(i, d));
        weigh(i, 0);
      }
      for (std::int64_t d = 0; Same && d < k; d += N) {
        store<N>(s + d, broadcast<N>(scale) * load<N>(s + d));
      }
    }
    const float own = scale * scale * sum<N>(squares[0] + squares[1]);
    const float linear = scale * ((weights[0] + weights[1]) + (weights[2] + weights[3]));
    return 0.5F * (dot<K>(s, s, k) - own) + (spec.linear ? linear : 0);
  }

  template <class Rule>
  FIELDFARE_INLINE void update(const Staged& sample, std::int64_t c, float g,
                               const Fetch& fetch) const {
    const std::int64_t k = length<K>(layout.padded_factors), at = c * layout.output_stride;
    const Layout shape = layout;
    const Rates factors = spec.factors, weights = spec.weights;
    const float share = 1.0F / static_cast<float>(spec.n_factors);
    const bool has_linear = spec.linear;
    const float scale = sample.same && sample.n > 0 ? sample.x[0] : 1.0F;
    Lanes<N> slopes[K > 0 ? K / N : 1];  // g S, in registers where k is known
    const float* const s = sums + c * k;
    const auto slope = [&](std::int64_t d) {
      if constexpr (K > 0) return slopes[d / N];
      if constexpr (K == 0) return broadcast<N>(g * scale) * load<N>(s + d);
    };
    for (std::int64_t d = 0; K > 0 && d < K; d += N) {
      slopes[d / N] = broadcast<N>(g * scale) * load<N>(s + d);
    }
    const Lanes<N> all_own = broadcast<N>(g * scale * scale);
    const auto learn = [&]<bool Full>(float* const* given, const float* x) FIELDFARE_INLINE_LAMBDA {
      float* const rows[4] = {given[0], given[1], given[2], given[3]};
      const Lanes<4> gx = broadcast<4>(g) * load<4>(x);
      const auto v = [&](int e, std::int64_t d) { return load<N>(rows[e] + at + d); };
      if (Full && sample.same) {
        move_vectors<Rule, K>(rows, at, shape, share, factors,
                              [&](int e, std::int64_t d) { return slope(d) - all_own * v(e, d); });
      } else {
        float own[4], by[4];
        store<4>(own, gx * load<4>(x));
        store<4>(by, broadcast<4>(1 / scale) * load<4>(x));
        move_vectors<Rule, K>(rows, at, shape, share, factors, [&](int e, std::int64_t d) {
          return slope(d) * broadcast<N>(by[e]) - broadcast<N>(own[e]) * v(e, d);
        });
      }
      if (has_linear) move_weights<Rule>(rows, at + shape.weight, shape, gx, weights);
    };
    in_fours(sample, padding_rows, fetch, learn);
  }
};

// The same, by factors: 1/2 sum_d (S_d^2 - Q_d) with Q = sum_i x_i^2 v_i^2.
class FmScoring {
 public:
  explicit FmScoring(const ScoreJob& job) : view_(job.view), sums_(job.sums) {}

  void keep(const Sample& sample, std::int64_t c) {
    float* sums = sums_ + c * 2 * view_.k;
    over_factors(view_.k, [&](auto width, std::int64_t at) {
      return run<width.value>(sample, c, at, nullptr, sums + 2 * at);
    });
    kept_ = true;
  }

  FIELDFARE_INLINE float of(const Sample& sample, std::int64_t c, float scale) const {
    const float* sums = kept_ ? sums_ + c * 2 * view_.k : nullptr;
    const float pairs = over_factors(view_.k, [&](auto width, std::int64_t at) {
      return run<width.value>(sample, c, at, sums == nullptr ? nullptr : sums + 2 * at, nullptr);
    });
    return scale * (scale * pairs);
  }

 private:
  // K factors, in registers: S and Q begin at `from` or zero, and end in `to` if it is there.
  template <int K>
  FIELDFARE_INLINE float run(const Sample& sample, std::int64_t c, std::int64_t at,
                             const float* from, float* to) const {
    constexpr int N = lanes_of<K>;
    constexpr int M = K / N;
    Lanes<N> sums[M], squares[M], more_sums[M], more_squares[M];
    for (std::int64_t m = 0; m < M; ++m) {
      sums[m] = from == nullptr ? broadcast<N>(0) : load<N>(from + m * N);
      squares[m] = from == nullptr ? broadcast<N>(0) : load<N>(from + K + m * N);
      more_sums[m] = more_squares[m] = broadcast<N>(0);
    }
    const float* factors = view_.factors + c * view_.factor_output + at;
    with_values(sample, [&](auto x) {
      const auto add = [&](std::int64_t i, Lanes<N>* sum, Lanes<N>* square) {
        const float* v = factors + static_cast<std::int64_t>(sample.ids[i]) * view_.factor_row;
        for (std::int64_t m = 0; m < M; ++m) {
          const Lanes<N> vx = load<N>(v + m * N) * broadcast<N>(x(i));
          sum[m] = sum[m] + vx;
          square[m] = square[m] + vx * vx;
        }
      };
      std::int64_t i = 0;
      for (; i + 2 <= sample.n; i += 2) {  // an addition need not wait for the one before
        add(i, sums, squares);
        add(i + 1, more_sums, more_squares);
      }
      if (i < sample.n) add(i, sums, squares);
    });
    Lanes<N> pairs = broadcast<N>(0);
    for (std::int64_t m = 0; m < M; ++m) {
      sums[m] = sums[m] + more_sums[m];
      squares[m] = squares[m] + more_squares[m];
    }
    for (std::int64_t m = 0; m < M; ++m) {
      if (to != nullptr) store<N>(to + m * N, sums[m]);
      if (to != nullptr) store<N>(to + K + m * N, squares[m]);
      pairs = pairs + (sums[m] * sums[m] - squares[m]);
    }
    return 0.5F * sum<N>(pairs);
  }

  const View& view_;
  float* sums_;  // [n_outputs, 2 k]: S and Q of the context
  bool kept_ = false;
};

struct Fm : ModelDefaults {
  static constexpr const char* name = "fm";
  using Scoring = FmScoring;

  static std::int64_t context_floats(const ScoreJob& job, std::int64_t /*n*/) {
    return job.spec->n_outputs * 2 * job.view.k;
  }

  template <class Work>
  static auto with_training(std::int64_t k, Work work) {
    return with_length<4, 8, 16>(
        k, [&]<int K>() { return work.template operator()<FmTraining<K>>(); });
  }
};

}  // namespace fieldfare::FIELDFARE_ISA
