// Training of a field-aware factorization machine with four factors, pair by pair. It is for
// samples with one feature in each of several adjacent fields, all of the same value, that are
// processed one after another. Other samples are trained by field sums.
#pragma once

#include "models/ffm_training.hpp"
#include "models/weigh.hpp"

namespace fieldfare::FIELDFARE_ISA {

// Juan et al. 2016, eq. 4, as it is written: features a and b, numbered by their fields, interact
// by <v_{a,b}, v_{b,a}>, and each vector is the gradient of the other. With one feature per field,
// sums would only be copies, so the rows of the table are read and written in place. Two blocks of
// four factors fill the lanes, so that the features a, a + 1 and b, b + 1 form four pairs at once,
//   v_{a,b}   v_{a,b+1}     with   v_{b,a}   v_{b+1,a}
//   v_{a+1,b} v_{a+1,b+1}          v_{b,a+1} v_{b+1,a+1}.
struct FfmSideBySide : FfmTraining<4> {
  static constexpr bool fetches_lines = true;
  static constexpr std::int64_t fewest = 4;  // fields, for which `spare` has room
  LineFetch coming;                          // rows to ask for on the way, from the score on
  bool in_pairs = false;                     // the sample scored last
  float* const sides;                        // [m, 4]: squares that a feature meets, by lanes
  float* const steps;                        // [m]: row-wise rules, for the update
  float* const kept;                         // [m]: likewise; other rules: the L2 penalties

  FfmSideBySide(const TrainJob& job, float* scratch, std::int32_t* field_scratch)
      : FfmTraining<4>(job, scratch, field_scratch),
        sides(spare),
        steps(spare + 4 * job.most_fields),
        kept(steps + job.most_fields) {}

  FIELDFARE_INLINE float score(const Staged& sample, std::int64_t c) {
    if (c == 0) {
      find(sample);
      // A feature that occurs in two fields would be written twice at once.
      in_pairs = sample.same && sizes[0] >= fewest && sizes[1] == 1 && as_before(sample) &&
                 all_differ(sample.ids, sample.n);
    }
    if (!in_pairs) return FfmTraining<4>::score(sample, c);
    const float met = meet(sample, first_block(c));
    const float x = sample.x[0];
    for (std::int64_t i = 0; i < sample.n; ++i) {
      squares[c * longest + i] = x * x * sum<4>(load<4>(sides + 4 * i));
    }
    const std::int64_t weight = c * layout.output_stride + layout.weight;
    return x * x * met + (spec.linear ? weigh(sample, weight) : 0);
  }

  // Offset of the block for the first field present.
  FIELDFARE_INLINE std::int64_t first_block(std::int64_t c) const {
    return c * layout.output_stride + std::int64_t{4} * present[0];
  }

  // The sum over all pairs, at an offset of the rows; adds up `sides` on the way.
  FIELDFARE_INLINE float meet(const Staged& sample, std::int64_t at) {
    LineFetch fetch = coming;
    const std::int64_t m = sample.n;
    Lanes<8> met = broadcast<8>(0), more = met;
    Lanes<4> alone = broadcast<4>(0);
    for (std::int64_t i = 0; i < m; ++i) store<4>(sides + 4 * i, broadcast<4>(0));
    const auto pair = [&](std::int64_t a, std::int64_t b) {
      const Lanes<4> p = load<4>(sample.rows[a] + at + 4 * b);
      const Lanes<4> q = load<4>(sample.rows[b] + at + 4 * a);
      alone = alone + p * q;
      store<4>(sides + 4 * a, load<4>(sides + 4 * a) + q * q);
      store<4>(sides + 4 * b, load<4>(sides + 4 * b) + p * p);
    };
    for (std::int64_t a = 0; a + 1 < m; a += 2) {
      const float *own = sample.rows[a] + at, *next = sample.rows[a + 1] + at;
      Lanes<8> of_own = broadcast<8>(0), of_next = of_own;
      std::int64_t b = a + 2;
      for (; b + 2 <= m; b += 2) {
        fetch();
        const Lanes<8> p = load<8>(own + 4 * b), p_next = load<8>(next + 4 * b);
        Lanes<8> q = load<8>(sample.rows[b] + at + 4 * a);
        Lanes<8> q_next = load<8>(sample.rows[b + 1] + at + 4 * a);
        cross(q, q_next);
        met = met + p * q;
        more = more + p_next * q_next;
        of_own = of_own + q * q;
        of_next = of_next + q_next * q_next;
        store<8>(sides + 4 * b, load<8>(sides + 4 * b) + p * p + p_next * p_next);
      }
      cross(of_own, of_next);
      store<8>(sides + 4 * a, load<8>(sides + 4 * a) + of_own + of_next);
      pair(a, a + 1);
      if (b < m) {
        pair(a, b);
        pair(a + 1, b);
      }
    }
    coming = fetch;
    return sum<8>(met + more) + sum<4>(alone);
  }

  template <class Rule>
  FIELDFARE_INLINE void update(const Staged& sample, std::int64_t c, float g, const Fetch& fetch) {
    if (in_pairs) {
      update_pairs<Rule>(sample, c, g);
    } else {
      FfmTraining<4>::update<Rule>(sample, c, g, fetch);
    }
  }

  template <class Rule>
  FIELDFARE_INLINE void update_pairs(const Staged& sample, std::int64_t c, float g) {
    LineFetch fetch = coming;
    const std::int64_t m = sample.n, at = first_block(c);
    const std::int64_t slot = 4 * layout.blocks, to_state = layout.factor_state;
    const Rates factors = spec.factors;
    const float slope = g * sample.x[0] * sample.x[0];
    move_rows<Rule>(sample, c, g);
    // Moves N weights of feature i, which were w, by what they meet.
    const auto shift = [&]<int N>(std::int64_t i, float* to, [[maybe_unused]] Lanes<N> w,
                                  Lanes<N> met) FIELDFARE_INLINE_LAMBDA {
      if constexpr (Rule::per_weight) {
        Rates own = factors;
        own.l2 = kept[i];
        Rule::template lanes<N>(to, to + to_state, slot, broadcast<N>(slope) * met, own);
      } else {
        store<N>(to, broadcast<N>(kept[i]) * w - broadcast<N>(steps[i]) * met);
      }
    };
    const auto pair = [&](std::int64_t a, std::int64_t b) FIELDFARE_INLINE_LAMBDA {
      float *own = sample.rows[a] + at + 4 * b, *other = sample.rows[b] + at + 4 * a;
      const Lanes<4> p = load<4>(own), q = load<4>(other);
      shift.template operator()<4>(a, own, p, q);
      shift.template operator()<4>(b, other, q, p);
    };
    for (std::int64_t a = 0; a + 1 < m; a += 2) {
      float *own = sample.rows[a] + at, *next = sample.rows[a + 1] + at;
      std::int64_t b = a + 2;
      for (; b + 2 <= m; b += 2) {
        fetch();
        float *other = sample.rows[b] + at + 4 * a, *another = sample.rows[b + 1] + at + 4 * a;
        const Lanes<8> p = load<8>(own + 4 * b), p_next = load<8>(next + 4 * b);
        const Lanes<8> q = load<8>(other), q_next = load<8>(another);
        Lanes<8> for_p = q, for_p_next = q_next, for_q = p, for_q_next = p_next;
        cross(for_p, for_p_next);
        cross(for_q, for_q_next);
        shift.template operator()<8>(a, own + 4 * b, p, for_p);
        shift.template operator()<8>(a + 1, next + 4 * b, p_next, for_p_next);
        shift.template operator()<8>(b, other, q, for_q);
        shift.template operator()<8>(b + 1, another, q_next, for_q_next);
      }
      pair(a, a + 1);
      if (b < m) {
        pair(a, b);
        pair(a + 1, b);
      }
    }
    for (std::int64_t i = 0; i < m; ++i) {  // its own field's block meets nothing
      float* block = sample.rows[i] + at + 4 * i;
      shift.template operator()<4>(i, block, load<4>(block), broadcast<4>(0));
    }
    fetch.rest();
    coming = LineFetch();
  }

  // What each row has one of: its linear weight and, by row-wise rules, its step.
  template <class Rule>
  FIELDFARE_INLINE void move_rows(const Staged& sample, std::int64_t c, float g) const {
    const float gx = g * sample.x[0], slope = gx * sample.x[0];
    const float share = gx * gx / static_cast<float>(spec.n_factors * sizes[0]);
    const std::int64_t at = c * layout.output_stride;
    const Rates factors = spec.factors, weights = spec.weights;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      float* row = sample.rows[i] + at;
      const float penalty = sample.rows[i][layout.penalty], l2 = factors.l2 * penalty;
      if constexpr (Rule::per_weight) {
        kept[i] = l2;
      } else {
        const float total = row[layout.factor_state] + share * squares[c * longest + i];
        row[layout.factor_state] = total;
        const float step = factors.learning_rate / std::sqrt(total);
        kept[i] = 1 - step * l2;
        steps[i] = step * slope;
      }
      if (spec.linear) {
        Rule::scalar(row + layout.weight, row + layout.weight + 1, gx, weights.penalised(penalty));
      }
    }
  }
};

template <>
struct AloneOf<FfmTraining<4>> {
  using Policy = FfmSideBySide;
};

}  // namespace fieldfare::FIELDFARE_ISA
