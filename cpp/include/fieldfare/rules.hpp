// Update rules: how weights move, given the gradient of the loss without penalties.
//
//   Rule::scalar(w, state, g, rates)           one weight; its state follows at state[0], state[1]
//   move<Rule>(w, state, slot, rates, mean_square, walk)
//       the latent vectors of a feature. walk(visit) calls visit.operator()<N>(d, g) for all groups
//       of N weights, at offset d, with their gradients; mean_square() is the mean of g^2.
//
// `per_weight` rules keep state for every weight, slot s of it at state + s * slot; the row-wise
// one keeps a single number for all.
#pragma once

#include "fieldfare/kernels.hpp"
#include "fieldfare/simd.hpp"

namespace fieldfare::FIELDFARE_ISA {

struct Sgd {
  static constexpr bool per_weight = true;
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
  static constexpr bool per_weight = true;
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
// gradients, penalties left out: it is then known before the factors are walked over. (Embedding
// tables are trained like this: Mudigere et al. 2022, section 4.1.3.)
struct RowwiseAdaGrad : AdaGrad {
  static constexpr bool per_weight = false;
};

// McMahan et al. 2013, algorithm 1, per coordinate; state is z, n.
struct Ftrl {
  static constexpr bool per_weight = true;
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

// Calls work.operator()<Rule>() for the rule of a job.
template <class Work>
auto with_rule(const Spec& spec, Work work) {
  if (spec.rule == Rule::adagrad) return work.template operator()<AdaGrad>();
  if (spec.rule == Rule::rowwise_adagrad) return work.template operator()<RowwiseAdaGrad>();
  if (spec.rule == Rule::sgd) return work.template operator()<Sgd>();
  return work.template operator()<Ftrl>();
}

}  // namespace fieldfare::FIELDFARE_ISA
