// Update rules: how weights change, given the gradient of the loss without penalties.
//
//   Rule::scalar(w, state, g, rates)           one weight; its state follows at state[0], state[1]
//   move<Rule>(w, state, slot, rates, mean_square, walk)
//       the latent vectors of a feature. walk(visit) calls visit.operator()<N>(d, g) for all groups
//       of N weights, at offset d, with their gradients; mean_square() is the mean of g^2.
//
// A rule declares its `name`, as Python knows it; `slots`, the state values of a weight; whether it
// is `per_weight`, with slot s of a weight's state at state + s * slot, or keeps a single number
// for all factors of a feature; whether its state `sums_squares` of gradients, which lets threads
// that learned separately be merged; and whether its L2 penalty acts `at_each_visit`, or once for
// all of them. The rates are those of the feature: see Rates::penalised. All rules are listed at
// the end of this file.
#pragma once

#include <type_traits>

#include "common/type_list.hpp"
#include "isa/simd.hpp"
#include "models/layout.hpp"

namespace fieldfare::FIELDFARE_ISA {

struct Sgd {
  static constexpr const char* name = "sgd";
  static constexpr std::int64_t slots = 0;
  static constexpr bool per_weight = true;
  static constexpr bool sums_squares = false;
  static constexpr bool at_each_visit = true;
  FIELDFARE_INLINE static void scalar(float* w, float*, float g, const Rates& r) {
    *w -= r.learning_rate * (g + r.l2 * *w);
  }
  template <int N>
  FIELDFARE_INLINE static void lanes(float* w, float*, std::int64_t, Lanes<N> g, const Rates& r) {
    const Lanes<N> old = load<N>(w);
    store<N>(w, old - broadcast<N>(r.learning_rate) * (g + broadcast<N>(r.l2) * old));
  }
};

// Duchi, Hazan & Singer 2011, with diagonal scaling: the step is learning_rate / sqrt(sum of g^2).
struct AdaGrad {
  static constexpr const char* name = "adagrad";
  static constexpr std::int64_t slots = 1;
  static constexpr bool per_weight = true;
  static constexpr bool sums_squares = true;
  static constexpr bool at_each_visit = true;
  FIELDFARE_INLINE static void scalar(float* w, float* state, float g, const Rates& r) {
    g += r.l2 * *w;
    const float squares = *state + g * g;
    *state = squares;
    *w -= r.learning_rate * g / std::sqrt(squares);
  }
  template <int N>
  FIELDFARE_INLINE static void lanes(float* w, float* state, std::int64_t, Lanes<N> g,
                                     const Rates& r) {
    const Lanes<N> old = load<N>(w);
    g = g + broadcast<N>(r.l2) * old;
    const Lanes<N> squares = load<N>(state) + g * g;
    store<N>(state, squares);
    store<N>(w, old - broadcast<N>(r.learning_rate) * g / square_root<N>(squares));
  }
};

// AdaGrad with one accumulator for all the factors of a feature: the mean of their squared
// gradients without penalties, which is known before the factors are visited. (Embedding tables are
// trained like this: Mudigere et al. 2022, section 4.1.3.)
struct RowwiseAdaGrad : AdaGrad {
  static constexpr const char* name = "rowwise_adagrad";
  static constexpr bool per_weight = false;
};

// McMahan et al. 2013, algorithm 1, per coordinate; state is z, n.
struct Ftrl {
  static constexpr const char* name = "ftrl";
  static constexpr std::int64_t slots = 2;
  static constexpr bool per_weight = true;
  static constexpr bool sums_squares = false;
  static constexpr bool at_each_visit = false;
  FIELDFARE_INLINE static void step(float* w, float* z, float* n, float g, const Rates& r) {
    const float grown = *n + g * g;
    const float root = std::sqrt(grown);
    const float shifted = *z + g - (root - std::sqrt(*n)) / r.learning_rate * *w;
    *z = shifted;
    *n = grown;
    const float shrunk = std::fabs(shifted) - r.l1;
    const float size = shrunk / ((r.beta + root) / r.learning_rate + r.l2);
    *w = shrunk > 0 ? std::copysign(size, -shifted) : 0.0F;
  }
  FIELDFARE_INLINE static void scalar(float* w, float* state, float g, const Rates& r) {
    step(w, state, state + 1, g, r);
  }
  template <int N>
  FIELDFARE_INLINE static void lanes(float* w, float* state, std::int64_t slot, Lanes<N> g,
                                     const Rates& r) {
    float gradient[N];
    store<N>(gradient, g);
    for (int i = 0; i < N; ++i) step(w + i, state + i, state + slot + i, gradient[i], r);
  }
};

template <class Rule, class MeanSquare, class Walk>
FIELDFARE_INLINE void move(float* w, float* state, std::int64_t slot, const Rates& rates,
                           MeanSquare&& mean_square, Walk&& walk) {
  if constexpr (Rule::per_weight) {
    walk([&]<int N>(std::int64_t d, Lanes<N> g) {
      Rule::template lanes<N>(w + d, state + d, slot, g, rates);
    });
  } else {
    const float squares = *state + mean_square();
    *state = squares;
    const float step = rates.learning_rate / std::sqrt(squares), kept = 1 - step * rates.l2;
    walk([&]<int N>(std::int64_t d, Lanes<N> g) {
      store<N>(w + d, broadcast<N>(kept) * load<N>(w + d) - broadcast<N>(step) * g);
    });
  }
}

// The same, with the mean found by a walk; `share` is one over the number of weights that move.
template <class Rule, class Walk>
FIELDFARE_INLINE void move(float* w, float* state, std::int64_t slot, float share,
                           const Rates& rates, Walk&& walk) {
  const auto mean_square = [&] {
    LaneSum squares;
    walk([&]<int N>(std::int64_t, Lanes<N> g) { squares.add<N>(g, g); });
    return share * squares.total();
  };
  move<Rule>(w, state, slot, rates, mean_square, walk);
}

// The weights of four features, at an offset of their rows; the state of each follows it.
template <class Rule>
FIELDFARE_INLINE void move_weights(float* const* rows, std::int64_t at, const Layout& layout,
                                   Lanes<4> g, const Rates& rates) {
  if constexpr (std::is_base_of_v<AdaGrad, Rule>) {
    Lanes<4> w, squares;
    gather_pairs(rows, at, w, squares);
    g = g + broadcast<4>(rates.l2) * gather(rows, layout.penalty) * w;
    squares = squares + g * g;
    w = w - broadcast<4>(rates.learning_rate) * g / square_root<4>(squares);
    scatter_pairs(rows, at, w, squares);
  } else {
    for (int e = 0; e < 4; ++e) {
      Rule::scalar(rows[e] + at, rows[e] + at + 1, lane<4>(g, e),
                   rates.penalised(rows[e][layout.penalty]));
    }
  }
}

// The latent vectors of four features, at an offset of their rows: as `move`, with the gradients
// gradient(e, d) of N weights from d on, of K in all or, if K = 0, of k.
template <class Rule, int K, class Gradient>
FIELDFARE_INLINE void move_vectors(float* const* rows, std::int64_t at, const Layout& layout,
                                   float share, const Rates& rates, Gradient&& gradient) {
  constexpr int N = lanes_for<K>;
  const std::int64_t k = length<K>(layout.padded_factors), state = at + layout.factor_state;
  if constexpr (Rule::per_weight) {
    for (int e = 0; e < 4; ++e) {
      const Rates own = rates.penalised(rows[e][layout.penalty]);
      for (std::int64_t d = 0; d < k; d += N) {
        Rule::template lanes<N>(rows[e] + at + d, rows[e] + state + d, k, gradient(e, d), own);
      }
    }
  } else {
    constexpr std::int64_t kept_lanes =
        K > 0 && K <= 16 ? K / N : 0;  // gradients that fit in registers
    Lanes<N> kept_gradient[4 * kept_lanes + 1], squares[4];
    for (int e = 0; e < 4; ++e) {
      squares[e] = broadcast<N>(0);
      for (std::int64_t d = 0; d < k; d += N) {
        const Lanes<N> g = gradient(e, d);
        if constexpr (kept_lanes > 0) kept_gradient[e * kept_lanes + d / N] = g;
        squares[e] = squares[e] + g * g;
      }
    }
    const Lanes<4> total = gather(rows, state) + broadcast<4>(share) * sums_of<N>(squares);
    scatter(rows, state, total);
    float steps[4];
    store<4>(steps, broadcast<4>(rates.learning_rate) / square_root<4>(total));
    for (int e = 0; e < 4; ++e) {
      const Lanes<N> step = broadcast<N>(steps[e]);
      const Lanes<N> l2 = broadcast<N>(rates.l2 * rows[e][layout.penalty]);
      for (std::int64_t d = 0; d < k; d += N) {
        float* w = rows[e] + at + d;
        Lanes<N> g;
        if constexpr (kept_lanes > 0) g = kept_gradient[e * kept_lanes + d / N];
        if constexpr (kept_lanes == 0) g = gradient(e, d);
        store<N>(w, load<N>(w) - step * (g + l2 * load<N>(w)));
      }
    }
  }
}

using Rules = TypeList<AdaGrad, RowwiseAdaGrad, Sgd, Ftrl>;

// Calls work.operator()<Rule>() for the rule of a spec.
template <class Work>
auto with_rule(const Spec& spec, Work&& work) {
  return Rules::visit(static_cast<int>(spec.rule), work);
}

}  // namespace fieldfare::FIELDFARE_ISA
