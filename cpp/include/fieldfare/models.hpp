// The models: each scores a sample from a View, remembers the factor sums it needed, and spends a
// gradient of the score on a training table.
//
//   score(sample, view, output)          -> w_0 + <w, x> + pairs
//   update<Rule>(sample, table, output, g)   with g = d loss / d score
//
// `update` must follow the `score` of the same sample and output.
#pragma once

#include "fieldfare/rules.hpp"
#include "fieldfare/sample.hpp"

namespace fieldfare::FIELDFARE_ISA {

// A training table, and the rates it is trained with.
struct Table {
  float* rows;
  float* shared;  // TrainJob::bias
  const Layout& layout;
  const Spec& spec;

  FIELDFARE_INLINE float* output(std::uint32_t id, std::int64_t c) const {
    return rows + static_cast<std::int64_t>(id) * layout.stride + c * layout.output_stride;
  }
};

FIELDFARE_INLINE float linear_score(const Sample& sample, const View& view, std::int64_t c) {
  float score = view.bias == nullptr ? 0.0F : view.bias[c * view.bias_output];
  if (view.weights == nullptr) return score;
  const float* weights = view.weights + c * view.weight_output;
  for (std::int64_t i = 0; i < sample.n; ++i) {
    score += sample.x(i) * weights[static_cast<std::int64_t>(sample.ids[i]) * view.weight_row];
  }
  return score;
}

template <class Rule>
FIELDFARE_INLINE void linear_update(float* output, const Table& table, float gx) {
  if (!table.spec.linear) return;
  float* weight = output + table.layout.weight;
  Rule::scalar(weight, weight + 1, gx, table.spec.weights);
}

struct Linear {
  Linear(const Spec&, float*, std::int32_t*) {}

  FIELDFARE_INLINE float score(const Sample& sample, const View& view, std::int64_t c) {
    return linear_score(sample, view, c);
  }

  template <class Rule>
  FIELDFARE_INLINE void update(const Sample& sample, const Table& table, std::int64_t c, float g) {
    for (std::int64_t i = 0; i < sample.n; ++i) {
      linear_update<Rule>(table.output(sample.ids[i], c), table, g * sample.x(i));
    }
  }
};

// Rendle 2010, eq. 1, in linear time by lemma 3.1:
//   sum_{i<j} <v_i, v_j> x_i x_j = 1/2 (|S|^2 - sum_i x_i^2 |v_i|^2),  S = sum_i x_i v_i.
template <int K>
struct Fm {
  float* sums;  // [n_outputs, padded k]
  std::int64_t padded;

  Fm(const Spec& spec, float* scratch, std::int32_t*)
      : sums(scratch), padded((spec.n_factors + 7) / 8 * 8) {}

  FIELDFARE_INLINE float score(const Sample& sample, const View& view, std::int64_t c) {
    constexpr int N = lanes_for<K>;
    float* s = sums + c * padded;
    const std::int64_t k = length<K>(view.k);
    const float* factors = view.factors + c * view.factor_output;
    Lanes<N> squares = broadcast<N>(0);
    float rest = 0;
    if constexpr (K > 0) {  // the sums stay in registers
      Lanes<N> held[K / N];
      for (auto& lanes : held) lanes = broadcast<N>(0);
      for (std::int64_t i = 0; i < sample.n; ++i) {
        const float* v = factors + static_cast<std::int64_t>(sample.ids[i]) * view.factor_row;
        const Lanes<N> x = broadcast<N>(sample.x(i));
        for (std::int64_t d = 0; d < K / N; ++d) {
          const Lanes<N> vx = load<N>(v + d * N) * x;
          held[d] = held[d] + vx;
          squares = squares + vx * vx;
        }
      }
      for (std::int64_t d = 0; d < K / N; ++d) store<N>(s + d * N, held[d]);
    } else {
      for (std::int64_t d = 0; d < k; ++d) s[d] = 0;
      for (std::int64_t i = 0; i < sample.n; ++i) {
        const float* v = factors + static_cast<std::int64_t>(sample.ids[i]) * view.factor_row;
        const Lanes<N> x = broadcast<N>(sample.x(i));
        std::int64_t d = 0;
        for (; d + N <= k; d += N) {
          const Lanes<N> vx = load<N>(v + d) * x;
          store<N>(s + d, load<N>(s + d) + vx);
          squares = squares + vx * vx;
        }
        for (; d < k; ++d) {
          const float vx = v[d] * sample.x(i);
          s[d] += vx;
          rest += vx * vx;
        }
      }
    }
    const float pairs = dot<K>(s, s, k) - sum<N>(squares) - rest;
    return linear_score(sample, view, c) + 0.5F * pairs;
  }

  template <class Rule>
  FIELDFARE_INLINE void update(const Sample& sample, const Table& table, std::int64_t c, float g) {
    constexpr int N = lanes_for<K>;
    const Layout& layout = table.layout;
    const float* s = sums + c * padded;
    const std::int64_t slot = Rule::per_weight ? layout.padded_factors : table.spec.n_factors;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      float* v = table.output(sample.ids[i], c);
      const Lanes<N> x = broadcast<N>(sample.x(i));
      const Lanes<N> gx = broadcast<N>(g * sample.x(i));
      Rule::template block<K>(
          v, v + layout.factor_state, slot, layout.padded_factors, table.spec.factors,
          [&](std::int64_t d) { return gx * (load<N>(s + d) - load<N>(v + d) * x); });
      linear_update<Rule>(v, table, g * sample.x(i));
    }
  }
};

// Juan et al. 2016, eq. 4, by field sums: with A[a][b] = sum of x_i v_{i,b} over the features i of
// field a, the pairs are sum_{a<b} <A[a][b], A[b][a]>, plus the pairs inside each field. Only the
// fields present in the sample count. Every weight moves once a sample, by its whole gradient.
template <int K>
struct Ffm {
  float* sums;            // A, [n_outputs, m, m, padded k] for m fields present
  std::int32_t* place;    // [n_fields]: field -> place among those present, or -1
  std::int32_t* present;  // [m]: place -> field
  std::int32_t* count;    // [m]: features at that place
  std::int64_t m = 0;
  std::int64_t padded;

  Ffm(const Spec& spec, float* scratch, std::int32_t* field_scratch)
      : sums(scratch),
        place(field_scratch),
        present(field_scratch + spec.n_fields),
        count(field_scratch + 2 * spec.n_fields),
        padded(K > 0 ? K : (spec.n_factors + 7) / 8 * 8) {
    for (std::int64_t f = 0; f < spec.n_fields; ++f) place[f] = -1;
  }

  FIELDFARE_INLINE float* cell(std::int64_t c, std::int64_t a, std::int64_t b) const {
    return sums + ((c * m + a) * m + b) * padded;
  }

  FIELDFARE_INLINE void find_fields(const Sample& sample) {
    for (std::int64_t a = 0; a < m; ++a) place[present[a]] = -1;
    m = 0;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      // The binding refuses field-aware work on rows without fields.
      const std::int32_t f = sample.fields[i];  // NOLINT(clang-analyzer-core.NullDereference)
      if (place[f] < 0) {
        place[f] = static_cast<std::int32_t>(m);
        present[m] = f;
        count[m++] = 0;
      }
      ++count[place[f]];
    }
  }

  FIELDFARE_INLINE float score(const Sample& sample, const View& view, std::int64_t c) {
    if (c == 0) find_fields(sample);
    const std::int64_t k = length<K>(view.k);
    for (std::int64_t a = 0; a < m; ++a)
      count[a] = -(count[a] < 0 ? -count[a] : count[a]);  // negative: not yet seen
    float inside = 0;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      const float* v = view.factors + static_cast<std::int64_t>(sample.ids[i]) * view.factor_row +
                       c * view.factor_output;
      const float x = sample.x(i);
      const std::int64_t a = place[sample.fields[i]];
      if (count[a] < 0) {
        count[a] = -count[a];
        for (std::int64_t b = 0; b < m; ++b) {
          scale_to<K>(cell(c, a, b), x, v + present[b] * view.factor_block, k);
        }
      } else {
        for (std::int64_t b = 0; b < m; ++b) {
          add_scaled<K>(cell(c, a, b), x, v + present[b] * view.factor_block, k);
        }
      }
      if (count[a] > 1) {
        const float* own = v + present[a] * view.factor_block;
        inside -= x * x * dot<K>(own, own, k);
      }
    }
    float across = 0;
    for (std::int64_t a = 0; a < m; ++a) {
      if (count[a] > 1) inside += dot<K>(cell(c, a, a), cell(c, a, a), k);
      for (std::int64_t b = a + 1; b < m; ++b) across += dot<K>(cell(c, a, b), cell(c, b, a), k);
    }
    return linear_score(sample, view, c) + across + 0.5F * inside;
  }

  // Turns A into what the gradients read in order: T[a][b] = A[b][a].
  FIELDFARE_INLINE void transpose(std::int64_t c) {
    constexpr int N = lanes_for<K>;
    for (std::int64_t a = 0; a < m; ++a) {
      for (std::int64_t b = a + 1; b < m; ++b) {
        float *x = cell(c, a, b), *y = cell(c, b, a);
        for (std::int64_t d = 0; d < padded; d += N) {
          const Lanes<N> held = load<N>(x + d);
          store<N>(x + d, load<N>(y + d));
          store<N>(y + d, held);
        }
      }
    }
  }

  template <class Rule>
  FIELDFARE_INLINE void update(const Sample& sample, const Table& table, std::int64_t c, float g) {
    constexpr int N = lanes_for<K>;
    const Layout& layout = table.layout;
    const Rates& rates = table.spec.factors;
    const std::int64_t slot =
        Rule::per_weight ? layout.blocks * layout.padded_factors : table.spec.n_factors;
    const std::int64_t state_step = Rule::per_weight ? layout.padded_factors : 1;
    transpose(c);
    for (std::int64_t i = 0; i < sample.n; ++i) {
      float* v = table.output(sample.ids[i], c);
      float* state = v + layout.factor_state;
      const Lanes<N> x = broadcast<N>(sample.x(i));
      const Lanes<N> gx = broadcast<N>(g * sample.x(i));
      const std::int64_t a = place[sample.fields[i]];
      for (std::int64_t b = 0; b < m; ++b) {
        float* w = v + present[b] * layout.padded_factors;
        float* block_state = state + present[b] * state_step;
        const float* t = cell(c, a, b);
        if (a == b) {
          Rule::template block<K>(w, block_state, slot, padded, rates, [&](std::int64_t d) {
            return gx * (load<N>(t + d) - load<N>(w + d) * x);
          });
        } else {
          Rule::template block<K>(w, block_state, slot, padded, rates,
                                  [&](std::int64_t d) { return gx * load<N>(t + d); });
        }
      }
      linear_update<Rule>(v, table, g * sample.x(i));
    }
  }
};

}  // namespace fieldfare::FIELDFARE_ISA
