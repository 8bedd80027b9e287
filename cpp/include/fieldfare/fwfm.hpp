// The field-weighted factorization machine as it is trained: one vector a feature, one weight a
// pair of fields.
#pragma once

#include "fieldfare/fields.hpp"
#include "fieldfare/rules.hpp"

namespace fieldfare::FIELDFARE_ISA {

// Pan et al. 2018, by field sums: with A[a] = sum of x_i v_i over the features i of field a and r
// the weights of the pairs of fields, the pairs are sum_{a<b} r[a,b] <A[a], A[b]>, plus r[a,a]
// times the pairs inside each field. The gradient of v_i, i of field a, is x_i (W[a] - r[a,a] x_i
// v_i) with W[a] = sum_b r[a,b] A[b]; that of r[a,b] is what it weighs. Only the fields present
// count. All of it is computed with the score: pair weights may move while other threads still
// update.
template <int K>
struct FwFm : PresentFields {
  static constexpr bool has_pair_weights = true;
  const Spec& spec;
  const Layout& layout;
  float* shared;    // TrainJob::shared
  float* sums;      // A, [n_outputs, m, k] for m fields present
  float* weighted;  // W, likewise
  float* own;       // [n_outputs, m]: r[a,a], or zero where a field has one feature
  float* products;  // [n_outputs, m, m]: d score / d r
  std::int64_t k;

  FwFm(const TrainJob& job, float* scratch, std::int32_t* field_scratch)
      : PresentFields(job, field_scratch),
        spec(*job.spec),
        layout(*job.layout),
        shared(job.shared),
        sums(scratch),
        weighted(sums + spec.n_outputs * job.most_fields * length<K>(layout.padded_factors)),
        own(weighted + (weighted - sums)),
        products(own + spec.n_outputs * job.most_fields),
        k(length<K>(layout.padded_factors)) {}

  FIELDFARE_INLINE float* weight_of(std::int64_t c, std::int64_t a, std::int64_t b) const {
    const std::int64_t pair = 1 + present[a] * n_fields + present[b];
    return shared + c * layout.shared + pair * (1 + layout.slots);
  }

  FIELDFARE_INLINE float& product(std::int64_t c, std::int64_t a, std::int64_t b) const {
    return products[(c * sizes[0] + a) * sizes[0] + b];
  }

  // Adds up A, and finds the pairs inside each field: a feature meets the sum of those before it.
  FIELDFARE_INLINE float add_up(const Staged& sample, std::int64_t c, float* a_sums) const {
    const std::int64_t m = sizes[0], at = c * layout.output_stride, weight = layout.weight;
    float linear = 0;
    for (std::int64_t d = 0; d < m * k; d += 4) store<4>(a_sums + d, broadcast<4>(0));
    for (std::int64_t a = 0; a < m; ++a) product(c, a, a) = 0;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      const float* v = sample.rows[i] + at;
      const std::int64_t a = place[sample.fields[i]];
      float* sum = a_sums + a * k;
      if (count[a] > 1) product(c, a, a) += sample.x[i] * dot<K>(sum, v, k);
      add_scaled<K>(sum, sample.x[i], v, k);
      if (spec.linear) linear += sample.x[i] * v[weight];
    }
    return linear;
  }

  FIELDFARE_INLINE float score(const Staged& sample, std::int64_t c) const {
    if (c == 0) find(sample);
    const std::int64_t m = sizes[0];
    float* const a_sums = sums + c * m * k;
    float* const w_sums = weighted + c * m * k;
    float score = add_up(sample, c, a_sums);
    for (std::int64_t a = 0; a < m; ++a) {
      const float r = count[a] > 1 ? *weight_of(c, a, a) : 0.0F;
      own[c * m + a] = r;
      score += r * product(c, a, a);
      scale_to<K>(w_sums + a * k, r, a_sums + a * k, k);
    }
    for (std::int64_t a = 0; a < m; ++a) {
      for (std::int64_t b = a + 1; b < m; ++b) {
        const float r = *weight_of(c, a, b);
        const float met = dot<K>(a_sums + a * k, a_sums + b * k, k);
        product(c, a, b) = met;
        score += r * met;
        add_scaled<K>(w_sums + a * k, r, a_sums + b * k, k);
        add_scaled<K>(w_sums + b * k, r, a_sums + a * k, k);
      }
    }
    return score;
  }

  template <class Rule>
  FIELDFARE_INLINE void update(const Staged& sample, std::int64_t c, float g,
                               const Fetch& fetch) const {
    constexpr int N = lanes_for<K>;
    const std::int64_t m = sizes[0], at = c * layout.output_stride, weight = layout.weight;
    const std::int64_t state = layout.factor_state;
    const Rates factors = spec.factors, weights = spec.weights;
    const float share = 1.0F / static_cast<float>(spec.n_factors);
    const bool has_linear = spec.linear;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      fetch(i);
      float* v = sample.rows[i] + at;
      const std::int64_t a =
          place[sample.fields[i]];  // NOLINT(clang-analyzer-core.NullDereference)
      const float* toward = weighted + (c * m + a) * k;
      const float gx = g * sample.x[i];
      const Lanes<N> slope = broadcast<N>(gx);
      const Lanes<N> itself = broadcast<N>(gx * sample.x[i] * own[c * m + a]);
      move<Rule>(v, v + state, k, share, factors, [&](auto&& visit) {
        for (std::int64_t d = 0; d < k; d += N) {
          visit.template operator()<N>(d, slope * load<N>(toward + d) - itself * load<N>(v + d));
        }
      });
      if (has_linear) Rule::scalar(v + weight, v + weight + 1, gx, weights);
    }
  }

  template <class Rule>
  FIELDFARE_INLINE void move_pair_weights(std::int64_t c, float g) const {
    const Rates pairs = spec.pairs;
    for (std::int64_t a = 0; a < sizes[0]; ++a) {
      for (std::int64_t b = count[a] > 1 ? a : a + 1; b < sizes[0]; ++b) {
        float* weight = weight_of(c, a, b);
        Rule::scalar(weight, weight + 1, g * product(c, a, b), pairs);
      }
    }
  }
};

}  // namespace fieldfare::FIELDFARE_ISA
