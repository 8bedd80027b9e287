// The field-weighted factorization machine: one vector a feature, one weight a pair of fields.
#pragma once

#include "fieldfare/models.hpp"

namespace fieldfare::FIELDFARE_ISA {

// Pan et al. 2018, by field sums: with A[a] = sum of x_i v_i over the features i of field a
// and r the weights of the pairs of fields, the pairs are sum_{a<b} r[a,b] <A[a], A[b]>, plus
// r[a,a] times the pairs inside each field. Only the fields present in the sample count. All
// derivatives are taken at the parameters that gave the score.
template <int K>
struct FwFm {
  float* scratch;             // room for the next three
  float* weighted = nullptr;  // [m, padded]: sum over b of r[a,b] A[b], of one output
  float* sums = nullptr;      // A, [n_outputs, m, padded] for m fields present
  float* products = nullptr;  // [n_outputs, m, m]: d score / d r
  std::int32_t* place;        // [n_fields]: field -> place among those present, or -1
  std::int32_t* present;      // [m]: place -> field
  std::int32_t* count;        // [m]: features at that place
  std::int64_t m = 0;
  std::int64_t padded;
  std::int64_t n_outputs;

  FwFm(const Spec& spec, float* floats, std::int32_t* field_scratch)
      : scratch(floats),
        place(field_scratch),
        present(field_scratch + spec.n_fields),
        count(field_scratch + 2 * spec.n_fields),
        padded(K > 0 ? K : (spec.n_factors + 7) / 8 * 8),
        n_outputs(spec.n_outputs) {
    for (std::int64_t f = 0; f < spec.n_fields; ++f) place[f] = -1;
  }

  FIELDFARE_INLINE float* sum_of(std::int64_t c, std::int64_t a) const {
    return sums + (c * m + a) * padded;
  }

  FIELDFARE_INLINE float& product(std::int64_t c, std::int64_t a, std::int64_t b) const {
    return products[(c * m + a) * m + b];
  }

  // Where the weight of a pair of places is, counted in pairs: weights are symmetric, and the upper
  // triangle is the one that is trained.
  FIELDFARE_INLINE std::int64_t pair_at(std::int64_t a, std::int64_t b, std::int64_t row,
                                        std::int64_t step) const {
    const std::int64_t f = present[a], h = present[b];
    return f < h ? f * row + h * step : h * row + f * step;
  }

  FIELDFARE_INLINE void find_fields(const Sample& sample) {
    for (std::int64_t a = 0; a < m; ++a) place[present[a]] = -1;
    m = 0;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      // The binding refuses work with fields on rows without them.
      const std::int32_t f = sample.fields[i];  // NOLINT(clang-analyzer-core.NullDereference)
      if (place[f] < 0) {
        place[f] = static_cast<std::int32_t>(m);
        present[m] = f;
        count[m++] = 0;
      }
      ++count[place[f]];
    }
    weighted = scratch;
    sums = weighted + m * padded;
    products = sums + n_outputs * m * padded;
  }

  FIELDFARE_INLINE void add_up(const Sample& sample, const View& view, std::int64_t c) {
    const std::int64_t k = length<K>(view.k);
    for (std::int64_t a = 0; a < m; ++a) {
      product(c, a, a) = 0;
      for (std::int64_t d = 0; d < padded; ++d) sum_of(c, a)[d] = 0;
    }
    for (std::int64_t i = 0; i < sample.n; ++i) {
      const float* v = view.factors + static_cast<std::int64_t>(sample.ids[i]) * view.factor_row +
                       c * view.factor_output;
      const float x = sample.x(i);
      const std::int64_t a = place[sample.fields[i]];
      add_scaled<K>(sum_of(c, a), x, v, k);
      if (count[a] > 1) product(c, a, a) -= 0.5F * x * x * dot<K>(v, v, k);
    }
  }

  FIELDFARE_INLINE float score(const Sample& sample, const View& view, std::int64_t c) {
    if (c == 0) find_fields(sample);
    add_up(sample, view, c);
    const float* r = view.pairs + c * view.pair_output;
    float score = linear_score(sample, view, c);
    for (std::int64_t a = 0; a < m; ++a) {
      if (count[a] > 1) {
        product(c, a, a) += 0.5F * dot<K>(sum_of(c, a), sum_of(c, a), padded);
        score += r[pair_at(a, a, view.pair_row, view.pair_step)] * product(c, a, a);
      }
      for (std::int64_t b = a + 1; b < m; ++b) {
        product(c, a, b) = dot<K>(sum_of(c, a), sum_of(c, b), padded);
        score += r[pair_at(a, b, view.pair_row, view.pair_step)] * product(c, a, b);
      }
    }
    return score;
  }

  FIELDFARE_INLINE void weigh(std::int64_t c, const float* r, std::int64_t row, std::int64_t step) {
    for (std::int64_t a = 0; a < m; ++a) {
      const float own = count[a] > 1 ? r[pair_at(a, a, row, step)] : 0.0F;
      scale_to<K>(weighted + a * padded, own, sum_of(c, a), padded);
    }
    for (std::int64_t a = 0; a < m; ++a) {
      for (std::int64_t b = a + 1; b < m; ++b) {
        const float weight = r[pair_at(a, b, row, step)];
        add_scaled<K>(weighted + a * padded, weight, sum_of(c, b), padded);
        add_scaled<K>(weighted + b * padded, weight, sum_of(c, a), padded);
      }
    }
  }

  template <class Rule>
  FIELDFARE_INLINE void update(const Sample& sample, const Table& table, std::int64_t c, float g) {
    constexpr int N = lanes_for<K>;
    const Layout& layout = table.layout;
    const Spec& spec = table.spec;
    const std::int64_t step = 1 + layout.slots, row = step * spec.n_fields;
    float* r = table.shared + c * step * shared_parameters(spec) + step;
    weigh(c, r, row, step);
    const std::int64_t slot = Rule::per_weight ? layout.padded_factors : spec.n_factors;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      float* v = table.output(sample.ids[i], c);
      const std::int64_t a = place[sample.fields[i]];
      const float* toward = weighted + a * padded;
      const float own = count[a] > 1 ? r[pair_at(a, a, row, step)] : 0.0F;
      const Lanes<N> itself = broadcast<N>(own * sample.x(i));
      const Lanes<N> gx = broadcast<N>(g * sample.x(i));
      Rule::template block<K>(
          v, v + layout.factor_state, slot, layout.padded_factors, spec.factors,
          [&](std::int64_t d) { return gx * (load<N>(toward + d) - load<N>(v + d) * itself); });
      linear_update<Rule>(v, table, g * sample.x(i));
    }
    for (std::int64_t a = 0; a < m; ++a) {
      for (std::int64_t b = count[a] > 1 ? a : a + 1; b < m; ++b) {
        float* weight = r + pair_at(a, b, row, step);
        Rule::scalar(weight, weight + 1, g * product(c, a, b), spec.pairs);
      }
    }
  }
};

}  // namespace fieldfare::FIELDFARE_ISA
