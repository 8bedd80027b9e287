// Update rules: how a weight w moves, given its gradient g.
//
//   scalar(w, state, g, rates)                 one weight; its state follows at state[0], state[1]
//   lanes<N>(w, state, slot, g, rates)         N weights; slot s of their state is at state + s *
//   slot block<K>(w, state, slot, k, rates, grad)   one latent vector, grad(d) giving the lanes
//   from d on
//
// `per_weight` rules keep state for every weight; the row-wise one keeps one number a latent
// vector.
#pragma once

#include "fieldfare/kernels.hpp"
#include "fieldfare/simd.hpp"

namespace fieldfare::FIELDFARE_ISA {

template <class Rule, int K, class Gradient>
FIELDFARE_INLINE void block_by_lanes(float* w, float* state, std::int64_t slot, std::int64_t k,
                                     const Rates& rates, Gradient&& gradient) {
  constexpr int N = lanes_for<K>;
  for (std::int64_t d = 0; d < length<K>(k); d += N) {
    Rule::template lanes<N>(w + d, state + d, slot, gradient(d), rates);
  }
}

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
  template <int K, class Gradient>
  FIELDFARE_INLINE static void block(float* w, float* state, std::int64_t slot, std::int64_t k,
                                     const Rates& r, Gradient&& gradient) {
    block_by_lanes<Sgd, K>(w, state, slot, k, r, gradient);
  }
};

// Duchi, Hazan & Singer 2011, with diagonal scaling: the step is learning_rate / sqrt(sum of g^2).
struct AdaGrad {
  static constexpr bool per_weight = true;
  FIELDFARE_INLINE static void scalar(float* w, float* state, float g, const Rates& r) {
    g += r.l2 * *w;
    *state += g * g;
    *w -= r.learning_rate * g / std::sqrt(*state);
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
  template <int K, class Gradient>
  FIELDFARE_INLINE static void block(float* w, float* state, std::int64_t slot, std::int64_t k,
                                     const Rates& r, Gradient&& gradient) {
    block_by_lanes<AdaGrad, K>(w, state, slot, k, r, gradient);
  }
};

// AdaGrad with one accumulator a latent vector: the mean of its squared gradients.
struct RowwiseAdaGrad {
  static constexpr bool per_weight = false;
  FIELDFARE_INLINE static void scalar(float* w, float* state, float g, const Rates& r) {
    AdaGrad::scalar(w, state, g, r);
  }
  template <int K, class Gradient>
  FIELDFARE_INLINE static void block(float* w, float* state, std::int64_t n_factors, std::int64_t k,
                                     const Rates& r, Gradient&& gradient) {
    constexpr int N = lanes_for<K>;
    Lanes<N> squares = broadcast<N>(0);
    for (std::int64_t d = 0; d < length<K>(k); d += N) {
      const Lanes<N> g = gradient(d) + broadcast<N>(r.l2) * load<N>(w + d);
      squares = squares + g * g;
    }
    *state += sum<N>(squares) / static_cast<float>(n_factors);
    const Lanes<N> step = broadcast<N>(r.learning_rate / std::sqrt(*state));
    for (std::int64_t d = 0; d < length<K>(k); d += N) {
      const Lanes<N> old = load<N>(w + d);
      store<N>(w + d, old - step * (gradient(d) + broadcast<N>(r.l2) * old));
    }
  }
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
  template <int K, class Gradient>
  FIELDFARE_INLINE static void block(float* w, float* state, std::int64_t slot, std::int64_t k,
                                     const Rates& r, Gradient&& gradient) {
    block_by_lanes<Ftrl, K>(w, state, slot, k, r, gradient);
  }
};

}  // namespace fieldfare::FIELDFARE_ISA
