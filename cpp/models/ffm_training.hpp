// Training of a field-aware factorization machine by field sums.
#pragma once

#include <cstring>

#include "gradient/rules.hpp"
#include "gradient/stage.hpp"
#include "models/fields.hpp"
#include "models/model.hpp"

namespace fieldfare::FIELDFARE_ISA {

// Juan et al. 2016, eq. 4, by field sums: T[a][b] = sum of x_j v_{j,a} over the features j of field
// b. The gradient of v_{i,b} is x_i T[a][b] for a feature i of field a. The interactions are of
// second degree, and hence half of sum_i <v_i, gradient> (Euler). Within its own field a feature
// does not interact with itself, so that its gradient there is x_i (T[a][a] - x_i v_{i,a}). Only
// the fields present count; where they are adjacent, their blocks are one run of floats in T as in
// the table. Every weight is updated once per sample, by its whole gradient.
template <int K>
struct FfmTraining : TrainingPolicy, PresentFields {
  const Spec& spec;
  const Layout& layout;
  float* sums;     // T, [n_outputs, m, m, k] for m fields present
  float* squares;  // [n_outputs, longest]: |row of T that an entry meets|^2
  float* spare;    // [m, k]: a changed row of T
  std::int64_t longest;

  FfmTraining(const TrainJob& job, float* scratch, std::int32_t* field_scratch)
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
    const float share = 1.0F / static_cast<float>(spec.n_factors * sizes[0]);
    for (std::int64_t i = 0; i < sample.n; ++i) {
      fetch(i);
      float* v = sample.rows[i] + at;
      const float penalty = sample.rows[i][layout.penalty];
      const Rates factors = spec.factors.penalised(penalty);
      const Rates weights = spec.weights.penalised(penalty);
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
