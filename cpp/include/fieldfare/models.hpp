// The models as they are trained: each scores a staged sample, remembers what the gradient needs,
// and spends a gradient on the rows of the table.
//
//   score(sample, c)                     -> <w, x> + pairs, of output c
//   update<Rule>(sample, c, g, mine, fetch)
//       with g = d loss / d score, for the ids that are `mine`; calls fetch(i) for every i on the
//       way
//
// `update` must follow the `score` of the same sample and output. Rates and sizes are copied before
// the loops: the compiler must assume that a store through a float pointer changes any other float.
#pragma once

#include "fieldfare/rules.hpp"
#include "fieldfare/stage.hpp"

namespace fieldfare::FIELDFARE_ISA {

struct Linear {
  const Spec& spec;
  const Layout& layout;

  Linear(const TrainJob& job, float*, std::int32_t*) : spec(*job.spec), layout(*job.layout) {}

  FIELDFARE_INLINE float score(const Staged& sample, std::int64_t c) const {
    if (!spec.linear) return 0;
    const std::int64_t at = c * layout.output_stride + layout.weight;
    float total = 0;
    for (std::int64_t i = 0; i < sample.n; ++i) total += sample.x[i] * sample.rows[i][at];
    return total;
  }

  template <class Rule, class Mine>
  FIELDFARE_INLINE void update(const Staged& sample, std::int64_t c, float g, Mine mine,
                               const Fetch& fetch) const {
    if (!spec.linear) return;
    const Rates rates = spec.weights;
    const std::int64_t at = c * layout.output_stride + layout.weight;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      fetch(i);
      if (!mine(sample.ids[i])) continue;
      float* weight = sample.rows[i] + at;
      Rule::scalar(weight, weight + 1, g * sample.x[i], rates);
    }
  }
};

// Rendle 2010, eq. 1, in linear time by lemma 3.1:
//   sum_{i<j} <v_i, v_j> x_i x_j = 1/2 (|S|^2 - sum_i x_i^2 |v_i|^2),  S = sum_i x_i v_i.
// The gradient of v_i is x_i (S - x_i v_i).
template <int K>
struct Fm {
  const Spec& spec;
  const Layout& layout;
  float* sums;  // S, [n_outputs, padded k]

  Fm(const TrainJob& job, float* scratch, std::int32_t*)
      : spec(*job.spec), layout(*job.layout), sums(scratch) {}

  FIELDFARE_INLINE float score(const Staged& sample, std::int64_t c) const {
    constexpr int N = lanes_for<K>;
    const std::int64_t k = length<K>(layout.padded_factors);
    const std::int64_t at = c * layout.output_stride, weight = layout.weight;
    const bool has_linear = spec.linear;
    float* const s = sums + c * k;
    float linear = 0;
    Lanes<N> squares = broadcast<N>(0);
    const auto term = [&](std::int64_t i, std::int64_t d) {
      const Lanes<N> vx = load<N>(sample.rows[i] + at + d) * broadcast<N>(sample.x[i]);
      squares = squares + vx * vx;
      return vx;
    };
    if constexpr (K > 0) {
      // Two sums, in registers: an addition need not wait for the one before.
      Lanes<N> even[K / N], odd[K / N];
      for (std::int64_t d = 0; d < K / N; ++d) even[d] = odd[d] = broadcast<N>(0);
      for (std::int64_t i = 0; i + 2 <= sample.n; i += 2) {
        for (std::int64_t d = 0; d < K / N; ++d) even[d] = even[d] + term(i, d * N);
        for (std::int64_t d = 0; d < K / N; ++d) odd[d] = odd[d] + term(i + 1, d * N);
      }
      for (std::int64_t d = 0; sample.n % 2 == 1 && d < K / N; ++d) {
        even[d] = even[d] + term(sample.n - 1, d * N);
      }
      for (std::int64_t d = 0; d < K / N; ++d) store<N>(s + d * N, even[d] + odd[d]);
    } else {
      for (std::int64_t d = 0; d < k; d += N) store<N>(s + d, broadcast<N>(0));
      for (std::int64_t i = 0; i < sample.n; ++i) {
        for (std::int64_t d = 0; d < k; d += N) store<N>(s + d, load<N>(s + d) + term(i, d));
      }
    }
    for (std::int64_t i = 0; has_linear && i < sample.n; ++i) {
      linear += sample.x[i] * sample.rows[i][at + weight];
    }
    return linear + 0.5F * (dot<K>(s, s, k) - sum<N>(squares));
  }

  template <class Rule, class Mine>
  FIELDFARE_INLINE void update(const Staged& sample, std::int64_t c, float g, Mine mine,
                               const Fetch& fetch) const {
    constexpr int N = lanes_for<K>;
    const std::int64_t k = length<K>(layout.padded_factors);
    const std::int64_t at = c * layout.output_stride, weight = layout.weight;
    const std::int64_t state = layout.factor_state;
    const Rates factors = spec.factors, weights = spec.weights;
    const float share = 1.0F / static_cast<float>(spec.n_factors);
    const bool has_linear = spec.linear;
    Lanes<N> slopes[K > 0 ? K / N : 1];  // g S, in registers where k is known
    const float* const s = sums + c * k;
    const auto slope_at = [&](std::int64_t d) { return broadcast<N>(g) * load<N>(s + d); };
    for (std::int64_t d = 0; d < K; d += N) slopes[d / N] = slope_at(d);
    for (std::int64_t i = 0; i < sample.n; ++i) {
      fetch(i);
      if (!mine(sample.ids[i])) continue;
      float* v = sample.rows[i] + at;
      const float gx = g * sample.x[i];
      const Lanes<N> x = broadcast<N>(sample.x[i]), own = broadcast<N>(gx * sample.x[i]);
      const auto gradient = [&](std::int64_t d) {  // nothing is kept in S: threads may share it
        if constexpr (K > 0) return slopes[d / N] * x - own * load<N>(v + d);
        if constexpr (K == 0) return slope_at(d) * x - own * load<N>(v + d);
      };
      const auto mean_square = [&] {
        Lanes<N> squares = broadcast<N>(0);
        for (std::int64_t d = 0; d < k; d += N) squares = squares + gradient(d) * gradient(d);
        return share * sum<N>(squares);
      };
      move<Rule>(v, v + state, k, factors, mean_square, [&](auto&& visit) {
        for (std::int64_t d = 0; d < k; d += N) visit.template operator()<N>(d, gradient(d));
      });
      if (has_linear) Rule::scalar(v + weight, v + weight + 1, gx, weights);
    }
  }
};

// Juan et al. 2016, eq. 4, by field sums: T[a][b] = sum of x_j v_{j,a} over the features j of field
// b. The gradient of v_{i,b} is x_i T[a][b] for a feature i of field a, and the pairs, being of
// second degree, are half of sum_i <v_i, gradient> (Euler). Inside its own field a feature must not
// meet itself: there its gradient is x_i (T[a][a] - x_i v_{i,a}). Only the fields present count;
// where they are neighbours, their blocks are one run of floats in T as in the table. Every weight
// moves once a sample, by its whole gradient.
template <int K>
struct Ffm {
  const Spec& spec;
  const Layout& layout;
  float* sums;                    // T, [n_outputs, m, m, k] for m fields present
  std::int32_t *place, *present;  // field -> place among those present, or -1; place -> field
  std::int32_t* count;            // [m]: features at that place
  std::int32_t* sizes;            // m (0 at first), number of runs; each run's first place, length
  float* squares;                 // [n_outputs, longest]: |row of T that an entry meets|^2
  float* row;                     // [m, k], private to the thread
  std::int64_t longest;

  Ffm(const TrainJob& job, float* scratch, std::int32_t* field_scratch)
      : spec(*job.spec),
        layout(*job.layout),
        sums(scratch),
        place(field_scratch),
        present(place + spec.n_fields),
        count(present + job.most_fields),
        sizes(count + job.most_fields),
        squares(scratch + spec.n_outputs * job.most_fields * job.most_fields * width()),
        row(job.work.row),
        longest(job.longest) {}

  FIELDFARE_INLINE std::int64_t width() const { return length<K>(layout.padded_factors); }

  FIELDFARE_INLINE float* row_of(std::int64_t c, std::int64_t a) const {
    return sums + (c * sizes[0] + a) * sizes[0] * width();
  }

  // Most samples have the fields of the one before, one feature each.
  FIELDFARE_INLINE bool fields_as_before(const Staged& sample) const {
    std::int32_t different = sample.n != sizes[0];
    for (std::int64_t i = 0; different == 0 && i < sample.n; ++i) {
      different |= (sample.fields[i] ^ present[i]) | (count[i] ^ 1);
    }
    return different == 0;
  }

  void find_fields(const Staged& sample) const {
    for (std::int64_t f = 0; f < spec.n_fields; ++f) place[f] = -1;
    std::int32_t m = 0;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      const std::int32_t f = sample.fields[i];  // NOLINT(clang-analyzer-core.NullDereference)
      if (place[f] >= 0) continue;
      std::int32_t a = m++;
      for (; a > 0 && present[a - 1] > f; --a) present[a] = present[a - 1];  // seldom out of order
      present[a] = f;
      place[f] = 0;
    }
    std::int32_t* run = sizes + 2;
    for (std::int32_t a = 0; a < m; ++a) {
      place[present[a]] = a;
      count[a] = 0;
      if (a == 0 || present[a] != present[a - 1] + 1) {
        run[0] = a;
        run[1] = 0;
        run += 2;
      }
      ++run[-1];
    }
    sizes[0] = m;
    sizes[1] = static_cast<std::int32_t>((run - sizes) / 2 - 1);
    for (std::int64_t i = 0; i < sample.n; ++i) ++count[place[sample.fields[i]]];
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

  // The row of T that a feature of place a meets, itself left out.
  FIELDFARE_INLINE const float* met_by(const float* v, float x, std::int64_t c,
                                       std::int64_t a) const {
    constexpr int N = lanes_for<K>;
    const float* t = row_of(c, a);
    if (count[a] == 1) return t;
    const std::int64_t k = width();
    std::memcpy(row, t, static_cast<std::size_t>(sizes[0] * k) * sizeof(float));
    for (std::int64_t d = 0; d < k; d += N) {
      const Lanes<N> vx = load<N>(v + present[a] * k + d) * broadcast<N>(x);
      store<N>(row + a * k + d, load<N>(t + a * k + d) - vx);
    }
    return row;
  }

  FIELDFARE_INLINE float score(const Staged& sample, std::int64_t c) const {
    if (c == 0 && !fields_as_before(sample)) find_fields(sample);
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

  template <class Rule, class Mine>
  FIELDFARE_INLINE void update(const Staged& sample, std::int64_t c, float g, Mine mine,
                               const Fetch& fetch) const {
    const std::int64_t at = c * layout.output_stride, weight = layout.weight;
    const std::int64_t state = layout.factor_state, slot = layout.blocks * width();
    const Rates factors = spec.factors, weights = spec.weights;
    const float share = 1.0F / static_cast<float>(spec.n_factors * sizes[0]);
    for (std::int64_t i = 0; i < sample.n; ++i) {
      fetch(i);
      if (!mine(sample.ids[i])) continue;
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

// Calls work.operator()<Model>() for the model of a job.
template <class Work>
auto with_model(const TrainJob& job, Work work) {
  const std::int64_t k = job.layout->padded_factors;
  if (job.spec->kind == Kind::linear) return work.template operator()<Linear>();
  if (job.spec->kind == Kind::fm) {
    if (k == 4) return work.template operator()<Fm<4>>();
    if (k == 8) return work.template operator()<Fm<8>>();
    if (k == 16) return work.template operator()<Fm<16>>();
    return work.template operator()<Fm<0>>();
  }
  if (k == 4) return work.template operator()<Ffm<4>>();
  if (k == 8) return work.template operator()<Ffm<8>>();
  return work.template operator()<Ffm<0>>();
}

// A model that remembers a sample of a batch.
template <class Model>
FIELDFARE_INLINE Model model_in_slot(const TrainJob& job, std::int64_t slot) {
  return Model(job, job.work.sums + slot * sum_floats(*job.spec, job.longest),
               job.work.fields + slot * field_ints(*job.spec, job.longest));
}

// The ids whose rows of the table fall to one of several threads.
FIELDFARE_INLINE auto ids_of(std::int64_t part, std::int64_t parts) {
  return [=](std::uint32_t id) {
    return (static_cast<std::uint64_t>(id * 2654435769U) * static_cast<std::uint64_t>(parts)) >>
               32U ==
           static_cast<std::uint64_t>(part);
  };
}

}  // namespace fieldfare::FIELDFARE_ISA
