// The models as they are trained: each scores a staged sample, remembers what the gradient needs,
// and spends a gradient on the rows of the table.
//
//   score(sample, c)                     -> <w, x> + pairs, of output c
//   update<Rule>(sample, c, g, fetch)    with g = d loss / d score; calls fetch(i) for every i on
//                                        the way
//
// `update` must follow the `score` of the same sample and output. Rates and sizes are copied before
// the loops: the compiler must assume that a store through a float pointer changes any other float.
#pragma once

#include <algorithm>

#include "fieldfare/fields.hpp"
#include "fieldfare/rules.hpp"
#include "fieldfare/stage.hpp"

namespace fieldfare::FIELDFARE_ISA {

// <w, x>, for weights at an offset of the rows.
FIELDFARE_INLINE float weigh(const Staged& sample, std::int64_t at) {
  Lanes<4> fours = broadcast<4>(0);
  std::int64_t i = 0;
  for (; i + 4 <= sample.n; i += 4) {
    fours = fours + load<4>(sample.x + i) * gather(sample.rows + i, at);
  }
  float total = sum<4>(fours);
  for (; i < sample.n; ++i) total += sample.x[i] * sample.rows[i][at];
  return total;
}

struct Linear {
  static constexpr bool has_pair_weights = false;
  const Spec& spec;
  const Layout& layout;
  float* const* nobody;

  Linear(const TrainJob& job, float*, std::int32_t*)
      : spec(*job.spec), layout(*job.layout), nobody(job.work.nobody) {}

  FIELDFARE_INLINE float score(const Staged& sample, std::int64_t c) const {
    return spec.linear ? weigh(sample, c * layout.output_stride + layout.weight) : 0;
  }

  template <class Rule>
  FIELDFARE_INLINE void update(const Staged& sample, std::int64_t c, float g,
                               const Fetch& fetch) const {
    if (!spec.linear) return;
    const Rates rates = spec.weights;
    const std::int64_t at = c * layout.output_stride + layout.weight;
    const auto learn = [&]<bool Full>(float* const* rows, const float* x) FIELDFARE_INLINE_LAMBDA {
      move_weights<Rule>(rows, at, broadcast<4>(g) * load<4>(x), rates);
    };
    in_fours(sample, nobody, fetch, learn);
  }
};

// Rendle 2010, eq. 1, in linear time by lemma 3.1:
//   sum_{i<j} <v_i, v_j> x_i x_j = 1/2 (|S|^2 - sum_i x_i^2 |v_i|^2),  S = sum_i x_i v_i.
// The gradient of v_i is x_i (S - x_i v_i).
template <int K>
struct Fm {
  static constexpr bool has_pair_weights = false;
  static constexpr int N = lanes_for<K>;
  const Spec& spec;
  const Layout& layout;
  float* sums;  // S, [n_outputs, padded k]
  float* const* nobody;

  Fm(const TrainJob& job, float* scratch, std::int32_t*)
      : spec(*job.spec), layout(*job.layout), sums(scratch), nobody(job.work.nobody) {}

  FIELDFARE_INLINE float score(const Staged& sample, std::int64_t c) const {
    return sample.same && sample.n > 0 ? add_up<true>(sample, c) : add_up<false>(sample, c);
  }

  // Sums up S and returns the score. Where all x are the same, S is theirs times a sum of vectors.
  template <bool Same>
  FIELDFARE_INLINE float add_up(const Staged& sample, std::int64_t c) const {
    const std::int64_t k = length<K>(layout.padded_factors), at = c * layout.output_stride;
    // Without a linear part some float is read in its place, and left out in the end.
    const std::int64_t weight = at + (spec.linear ? layout.weight : 0);
    const float scale = Same ? sample.x[0] : 1.0F;
    float* const s = sums + c * k;
    // Several sums of each kind: an addition need not wait for the one before.
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
      if (has_linear) move_weights<Rule>(rows, at + shape.weight, gx, weights);
    };
    in_fours(sample, nobody, fetch, learn);
  }
};

// Juan et al. 2016, eq. 4, by field sums: T[a][b] = sum of x_j v_{j,a} over the features j of field
// b. The gradient of v_{i,b} is x_i T[a][b] for a feature i of field a, and the pairs, being of
// second degree, are half of sum_i <v_i, gradient> (Euler). Inside its own field a feature must not
// meet itself: there its gradient is x_i (T[a][a] - x_i v_{i,a}). Only the fields present count;
// where they are neighbours, their blocks are one run of floats in T as in the table. Every weight
// moves once a sample, by its whole gradient.
template <int K>
struct Ffm : PresentFields {
  static constexpr bool has_pair_weights = false;
  const Spec& spec;
  const Layout& layout;
  float* sums;     // T, [n_outputs, m, m, k] for m fields present
  float* squares;  // [n_outputs, longest]: |row of T that an entry meets|^2
  float* spare;    // [m, k]: a changed row of T
  std::int64_t longest;

  Ffm(const TrainJob& job, float* scratch, std::int32_t* field_scratch)
      : PresentFields(job, field_scratch),
        spec(*job.spec),
        layout(*job.layout),
        sums(scratch),
        squares(scratch + spec.n_outputs * job.most_fields * job.most_fields * width()),
        spare(job.work.spare),
        longest(job.longest) {}

  FIELDFARE_INLINE std::int64_t width() const { return length<K>(layout.padded_factors); }

  FIELDFARE_INLINE float* row_of(std::int64_t c, std::int64_t a) const {
    return sums + (c * sizes[0] + a) * sizes[0] * width();
  }

  // Calls visit.operator()<N>(d, e) for the blocks of the fields present: d floats into a row of
  // the table, e floats into a row of T.
  template <class Visit>
  FIELDFARE_INLINE void over_blocks(Visit&& visit) const {
    const std::int64_t k = width();
    for (std::int32_t r = 0; r < sizes[1]; ++r) {
      const std::int64_t first = sizes[2 + 2 * r], n = sizes[3 + 2 * r];
      const std::int64_t in_table = present[first] * k, in_sums = first * k;
      in_lanes(n * k, [&]<int N>(std::int64_t d) {
        visit.template operator()<N>(in_table + d, in_sums + d);
      });
    }
  }

  // Adds one entry to its column of T, or begins the column with it.
  template <bool Begin>
  FIELDFARE_INLINE void add_entry(const float* v, float x, float* column) const {
    constexpr int N = lanes_for<K>;
    const std::int64_t k = width(), row = sizes[0] * k;
    for (std::int32_t r = 0; r < sizes[1]; ++r) {
      const float* from = v + present[sizes[2 + 2 * r]] * k;
      const std::int64_t n = sizes[3 + 2 * r];
      const auto add = [&](std::int64_t d, std::int64_t to) {
        const Lanes<N> vx = load<N>(from + d) * broadcast<N>(x);
        store<N>(column + to, Begin ? vx : load<N>(column + to) + vx);
      };
      std::int64_t f = 0;
      for (; f + 2 <= n; f += 2, from += 2 * k, column += 2 * row) {
        for (std::int64_t d = 0; d < k; d += N) add(d, d);
        for (std::int64_t d = 0; d < k; d += N) add(k + d, row + d);
      }
      for (; f < n; ++f, from += k, column += row) {
        for (std::int64_t d = 0; d < k; d += N) add(d, d);
      }
    }
  }

  FIELDFARE_INLINE void add_up(const Staged& sample, std::int64_t c) const {
    constexpr int N = lanes_for<K>;
    const std::int64_t m = sizes[0], k = width(), at = c * layout.output_stride;
    float* const all = row_of(c, 0);
    for (std::int64_t i = 0; i < sample.n; ++i) {
      const float* v = sample.rows[i] + at;
      // The analyser does not see that rows of this kind of model have fields.
      // NOLINTNEXTLINE(clang-analyzer-core.NullDereference)
      const std::int64_t b = place[sample.fields[i]];
      if (count[b] > 0) {
        count[b] = -count[b];  // negative: its column has begun
        add_entry<true>(v, sample.x[i], all + b * k);
      } else {
        add_entry<false>(v, sample.x[i], all + b * k);
      }
    }
    for (std::int64_t a = 0; a < m; ++a) {
      count[a] = -count[a];
      float* own = row_of(c, a) + a * k;
      for (std::int64_t d = 0; count[a] == 1 && d < k; d += N) store<N>(own + d, broadcast<N>(0));
    }
  }

  // The row of T that a feature of place a meets, itself left out. Where it is not alone in its
  // field this is a changed copy: the others meet the row as well.
  FIELDFARE_INLINE const float* met_by(const float* v, float x, std::int64_t c,
                                       std::int64_t a) const {
    constexpr int N = lanes_for<K>;
    const float* t = row_of(c, a);
    if (count[a] == 1) return t;
    const std::int64_t k = width();
    std::memcpy(spare, t, static_cast<std::size_t>(sizes[0] * k) * sizeof(float));
    for (std::int64_t d = 0; d < k; d += N) {
      const Lanes<N> vx = load<N>(v + present[a] * k + d) * broadcast<N>(x);
      store<N>(spare + a * k + d, load<N>(t + a * k + d) - vx);
    }
    return spare;
  }

  FIELDFARE_INLINE float score(const Staged& sample, std::int64_t c) const {
    if (c == 0) find(sample);
    add_up(sample, c);
    const std::int64_t at = c * layout.output_stride, weight = layout.weight;
    float linear = 0, pairs = 0;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      const float* v = sample.rows[i] + at;
      const float* t = met_by(v, sample.x[i], c, place[sample.fields[i]]);
      LaneSum met, square;
      over_blocks([&]<int N>(std::int64_t d, std::int64_t e) {
        const Lanes<N> lanes = load<N>(t + e);
        met.add<N>(load<N>(v + d), lanes);
        square.add<N>(lanes, lanes);
      });
      pairs += sample.x[i] * met.total();
      squares[c * longest + i] = square.total();
      if (spec.linear) linear += sample.x[i] * v[weight];
    }
    return linear + 0.5F * pairs;
  }

  template <class Rule>
  FIELDFARE_INLINE void update(const Staged& sample, std::int64_t c, float g,
                               const Fetch& fetch) const {
    const std::int64_t at = c * layout.output_stride, weight = layout.weight;
    const std::int64_t state = layout.factor_state, slot = layout.blocks * width();
    const Rates factors = spec.factors, weights = spec.weights;
    const float share = 1.0F / static_cast<float>(spec.n_factors * sizes[0]);
    for (std::int64_t i = 0; i < sample.n; ++i) {
      fetch(i);
      float* v = sample.rows[i] + at;
      const float gx = g * sample.x[i];
      const float* t = met_by(v, sample.x[i], c, place[sample.fields[i]]);
      const auto mean_square = [&] { return share * gx * gx * squares[c * longest + i]; };
      move<Rule>(v, v + state, slot, factors, mean_square, [&](auto&& visit) {
        over_blocks([&]<int N>(std::int64_t d, std::int64_t e) {
          visit.template operator()<N>(d, broadcast<N>(gx) * load<N>(t + e));
        });
      });
      if (spec.linear) Rule::scalar(v + weight, v + weight + 1, gx, weights);
    }
  }
};

}  // namespace fieldfare::FIELDFARE_ISA
